"""Comma-separated values: a line of column names, then a line per row; bytes and counts as plain numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look
from ctxsize.survey.overview import Overview


def draw(result: Overview, look: Look) -> Iterator[str]:
    """The first view; ``look`` is not used."""
    view = result.views[0]
    return csv_lines(view.columns, view.rows)
