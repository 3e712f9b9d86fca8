"""A line per finding, ``file:line:column: CODE message``, as editors and people who count lines read it."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.lint.types import Finding, LintReport, LintTarget
from ctxsize.report.lint.problems import path_of
from ctxsize.report.shared.look import Look
from ctxsize.text import printable


def draw(report: LintReport, look: Look) -> Iterator[str]:
    """``report`` as lines."""
    for target in report.targets:
        yield from preface(target, look)
        for found in target.findings:
            yield headline(target, found, look) + "\n"


def preface(target: LintTarget, look: Look) -> Iterator[str]:
    """What comes before the findings: the error, and what --diff shows. What --fix did is there to be seen
    with `git diff`."""
    if target.error is not None:
        yield f"{look.warn('error: ')}{printable(' '.join(target.error.split()))}\n"
    if target.dry:
        yield from (f"{printable(line)}\n" for line in target.diff.splitlines())


def headline(target: LintTarget, found: Finding, look: Look) -> str:
    """Where a finding is, its code, what is wrong."""
    place = printable(path_of(target, found))
    if found.line is not None:
        place += f":{found.line}:{found.column or 1}"
    return f"{look.bold(place)}: {look.warn(found.code)} {printable(found.message)}"
