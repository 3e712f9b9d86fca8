"""The ignored paths of several comparisons as comma-separated values, each with the project it is in."""

from __future__ import annotations

from collections.abc import Sequence

from ctxsize.comparison.types import Comparison
from ctxsize.report.comparison.csv import HEADER, rows
from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look


def draw(results: Sequence[Comparison], look: Look) -> str:
    """A line per ignored root; ``look`` is not used."""
    found = ((result.project.context, *row) for result in results for row in rows(result))
    return "".join(csv_lines(("project", *HEADER), found))
