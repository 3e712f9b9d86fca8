"""Comma-separated values: a line of column names, then a line per row; bytes and counts as plain numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.report.context.rows import named_rows
from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look
from ctxsize.survey.overview import Overview


def draw(result: Overview, look: Look) -> Iterator[str]:
    """The first view, also of the named contexts, whose paths begin with their names; ``look`` is not
    used."""
    view = result.views[0]
    rows = named_rows(result, 0)
    if not result.named or "path" in view.columns:
        return csv_lines(view.columns, rows)
    # What has no path is told apart by a column of its own.
    owners = [result, *result.named]
    return csv_lines(
        ("context", *view.columns), ((each.name or "", *row) for each in owners for row in each.views[0].rows)
    )
