"""The report a person reads: where, what, the line with a mark below it, what to do; then the total."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.lint.types import Finding, LintReport, LintTarget
from ctxsize.report.lint import words
from ctxsize.report.lint.concise import headline, preface
from ctxsize.report.shared.look import Look
from ctxsize.text import printable

_LONGEST = 100  # characters of a line that are shown


def draw(report: LintReport, look: Look) -> Iterator[str]:
    """``report`` as text."""
    for target in report.targets:
        yield from preface(target, look)
        for found in target.findings:
            yield from _finding(target, found, look)
        yield from (look.note(note) for note in target.notes)
    yield from last_lines(report, look)


def last_lines(report: LintReport, look: Look) -> Iterator[str]:
    """The total, what can be mended and what was, and what comments switch off."""
    fixed = sum(len(target.fixed) for target in report.targets)
    if fixed:
        written = "would be mended" if any(target.dry for target in report.targets) else "mended"
        yield f"{fixed} {'finding' if fixed == 1 else 'findings'} {written}\n"
    text = words.summary(report)
    yield (look.warn(text) if report.total.findings else look.good(text)) + "\n"
    if (fixes := words.fixes(report)) is not None:
        yield f"{fixes}\n"
    if suppressed := sum(target.suppressed for target in report.targets):
        yield f"{suppressed} switched off by comments\n"


def _finding(target: LintTarget, found: Finding, look: Look) -> Iterator[str]:
    yield headline(target, found, look) + "\n"
    line = target.lines.get((found.path, found.line)) if found.line is not None else None
    if line is not None and found.line is not None:
        number = str(found.line)
        blank = " " * len(number)
        yield f"  {number} | {printable(line)[:_LONGEST]}".rstrip() + "\n"
        start, end = found.column or 1, found.end_column or len(line.rstrip()) + 1
        before = min(len(printable(line[: start - 1])), _LONGEST)
        marked = min(len(printable(line[start - 1 : end - 1])), _LONGEST - before)
        yield f"  {blank} | {' ' * before}{look.warn('^' * max(marked, 1))} {found.severity}\n"
    if found.help is not None:
        yield f"  help: {printable(found.help)}\n"
