"""The difference of two images as comma-separated values: its steps, its rows, and the rest of the bytes."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.inspection.difference.types import ImageDifference, Sizes
from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look

COLUMNS = (
    *("kind", "status", "name", "line", "bytes_a", "bytes_b", "bytes_change"),
    *("pull_bytes_a", "pull_bytes_b", "wasted_bytes_a", "wasted_bytes_b", "files_a", "files_b"),
)
_NOTHING = (None, None)


def draw(result: ImageDifference, look: Look) -> str:
    """A line for each step, for each row, and for what has no row: each kind adds up to the images' bytes.
    ``look`` is not used."""
    return "".join(csv_lines(COLUMNS, _rows(result)))


def _rows(result: ImageDifference) -> Iterator[tuple[str | int | None, ...]]:
    for step in result.steps:
        pulls = _both(step.pull_bytes)
        yield ("step", step.status, step.text, step.line, *_three(step.bytes), *pulls, *_NOTHING, *_NOTHING)
    for row in result.rows:
        sizes = (*_NOTHING, *_both(row.wasted_bytes), *_both(row.files))
        yield (result.view, row.status, row.name, None, *_three(row.bytes), *sizes)
    if result.statuses:
        yield (result.view, "rest", "", None, *_three(result.rest), *_NOTHING * 3)


def _both(sizes: Sizes) -> tuple[int | None, int | None]:
    return sizes.a, sizes.b


def _three(sizes: Sizes) -> tuple[int | None, int | None, int | None]:
    return sizes.a, sizes.b, sizes.change
