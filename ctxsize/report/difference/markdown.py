"""The difference of two images as Markdown, for a comment on a change or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.inspection.difference.types import ImageDifference
from ctxsize.report.difference.table import NAMES, differing
from ctxsize.report.difference.words import change, totals, verdict
from ctxsize.report.shared.columns import known
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.markdown import cell, fitted, plain, row


def draw(result: ImageDifference, look: Look) -> str:
    """``result`` as Markdown; ``look`` says how many rows a table has."""
    return fitted(_lines(result, look), "image A B")


def _lines(result: ImageDifference, look: Look) -> Iterator[str]:
    yield f"### {plain(verdict(result)[:1].upper() + verdict(result)[1:])}"
    yield ""
    yield row(("", cell(result.a.name), cell(result.b.name), "change"))
    yield row((":---", "---:", "---:", "---:"))
    for cells in totals(result):
        yield row(cells)
    yield ""
    steps, left = look.first(differing(result))
    if steps:
        yield row(("", "line", "before", "now", "change", "pull", "step"))
        yield row((":---", "---:", "---:", "---:", "---:", "---:", ":---"))
    for step in steps:
        line = "" if step.line is None else str(step.line)
        sizes = (known(step.bytes.a), known(step.bytes.b), change(step.bytes), change(step.pull_bytes))
        yield row((step.status, line, *sizes, cell(step.text)))
    yield from _left(left)
    rows, left = look.first(result.rows)
    if rows:
        yield row(("", "before", "now", "change", "of it wasted", NAMES[result.view]))
        yield row((":---", "---:", "---:", "---:", "---:", ":---"))
    for each in rows:
        sizes = (known(each.bytes.a), known(each.bytes.b), change(each.bytes), change(each.wasted_bytes))
        yield row((each.status, *sizes, cell(each.name)))
    yield from _left(left + result.rows_left_out)
    if result.statuses:
        yield f"Files: {', '.join(f'{each.files} {each.status}' for each in result.statuses)}."
        yield ""
    for name, why in result.missing.items():
        yield f"- {plain(f'{name}: {why}')}"
    for warning in result.warnings:
        yield f"- {plain(warning.message)}"
    yield f"<sub>ctxsize {plain(result.version)}</sub>"


def _left(left: int) -> Iterator[str]:
    if left:
        yield f"… and {left} more"
    yield ""
