"""The report on an image as Markdown, for a comment on a change or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.inspection.types import ImageReport
from ctxsize.report.image.words import cause, largest_first, leftover, proven, totals, trouble, where
from ctxsize.report.shared.columns import known
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.markdown import cell, fitted, plain, row
from ctxsize.units import format_bytes


def draw(result: ImageReport, look: Look) -> str:
    """``result`` as Markdown; ``look`` says how many rows a table has."""
    return fitted(_lines(result, look), "image")


def _lines(result: ImageReport, look: Look) -> Iterator[str]:
    image = result.image
    yield f"### The image {plain(image.name)}"
    yield ""
    yield row(("", "bytes", ""))
    yield row((":---", "---:", "---:"))
    for name, size, share in totals(result):
        yield row((name.strip(), size, share))
    yield ""
    yield from _steps(result, look) if result.view == "step" else _rows(result, look)
    yield from _waste(result, look)
    for each in look.first(result.leftovers)[0]:
        yield f"- {plain(leftover(each))}: {format_bytes(each.bytes)} in {cell(each.path)}"
    for fix in result.fixes:
        why = trouble(fix)
        yield f"- {plain(fix.text)}" + (f" **{plain(why)}**" if why else "")
    if result.proof is not None:
        for text in proven(result.proof):
            yield f"- **{plain(text)}**"
    for name, why in result.missing.items():
        yield f"- {plain(f'{name}: {why}')}"
    for warning in result.warnings:
        yield f"- {plain(warning.message)}"
    yield ""
    engine = f", {plain(result.engine.name)}" if result.engine else ""
    yield f"<sub>ctxsize {plain(result.version)}{engine}</sub>"


def _steps(result: ImageReport, look: Look) -> Iterator[str]:
    shown, left = look.first(largest_first(result.steps))
    yield row(("line", "bytes", "wasted", "pull", "step"))
    yield row(("---:", "---:", "---:", "---:", ":---"))
    for step in sorted(shown, key=lambda step: step.number):
        sizes = (known(step.bytes), known(step.wasted_bytes), known(step.pull_bytes))
        yield row((where(step).replace("#", "step "), *sizes, cell(step.text)))
    if left:
        yield row((f"… and {left} more", "", "", "", ""))
    yield ""


def _rows(result: ImageReport, look: Look) -> Iterator[str]:
    shown, left = look.first(result.rows)
    yield row(("name", "bytes", "wasted", "files"))
    yield row((":---", "---:", "---:", "---:"))
    for each in shown:
        yield row(
            (cell(each.name), format_bytes(each.bytes), format_bytes(each.wasted_bytes), str(each.files))
        )
    if left + result.rows_left_out:
        yield row((f"… and {left + result.rows_left_out} more", "", "", ""))
    yield ""


def _waste(result: ImageReport, look: Look) -> Iterator[str]:
    own = [group for group in result.groups if group.reclaimable]
    if not own:
        return
    steps = {step.number: step for step in result.steps}
    shown, left = look.first(own)
    yield row(("wasted", "pull", "files", "stored by", "buried by", "how", "where"))
    yield row(("---:", "---:", "---:", "---:", "---:", ":---", ":---"))
    for group in shown:
        numbers = (where(steps[each]).replace("#", "step ") for each in (group.stored_by, group.buried_by))
        sizes = (format_bytes(group.bytes), f"~{known(group.pull_bytes)}", str(group.files))
        yield row((*sizes, *numbers, cause(group), cell(group.path)))
    if left:
        yield row((f"… and {left} more", "", "", "", "", "", ""))
    yield ""
