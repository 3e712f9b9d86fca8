"""GitHub-flavoured Markdown for a comment on a pull or merge request, and for a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.lint.types import LintReport
from ctxsize.report.lint import words
from ctxsize.report.lint.problems import path_of
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.markdown import cell, fitted, plain, row

#: The first line, by which a bot finds its earlier comment again.
MARKER = "<!-- ctxsize lint -->"


def draw(report: LintReport, look: Look) -> str:
    """``report`` as Markdown; ``look`` is not used."""
    return fitted(_lines(report), "lint")


def _lines(report: LintReport) -> Iterator[str]:
    yield MARKER
    yield f"### ctxsize lint: {plain(words.summary(report))}"
    yield ""
    for target in report.targets:
        if target.error is not None:
            yield f"**{plain(target.name)} was not linted:** {plain(target.error)}"
            yield ""
    if report.total.findings:
        yield row(("", "code", "where", "what", "next"))
        yield row((":---", ":---", ":---", ":---", ":---"))
    for target in report.targets:
        for found in target.findings:
            where = f"{path_of(target, found)}:{found.line or 1}"
            what, help = plain(found.message), plain(found.help or "")
            yield row((found.severity, found.code, cell(where), what, help))
    if report.total.findings:
        yield ""
    if (fixes := words.fixes(report)) is not None:
        yield plain(fixes)
        yield ""
    yield f"<sub>ctxsize {plain(report.version)}, {plain(report.created)}</sub>"
