"""The bytes of an image as comma-separated values: by step, or by what the report lists them by."""

from __future__ import annotations

from ctxsize.inspection.types import ImageReport
from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look

_STEP = (
    *("number", "line", "layer", "base", "bytes", "live_bytes", "wasted_bytes", "buried_bytes", "pull_bytes"),
    *("files", "text"),
)
_ROW = ("name", "bytes", "live_bytes", "wasted_bytes", "files", "step")


def draw(result: ImageReport, look: Look) -> str:
    """A line for each step, or for each row of the view; ``look`` is not used."""
    names = _STEP if result.view == "step" else _ROW
    steps = [step for step in result.steps if step.listed]
    listed = steps if result.view == "step" else result.rows
    return "".join(csv_lines(names, ([getattr(each, name) for name in names] for each in listed)))
