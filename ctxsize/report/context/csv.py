"""Comma-separated values: a line of column names, then a line per row; bytes and counts as plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from ctxsize.report.shared.style import Style
from ctxsize.survey.overview import Overview
from ctxsize.text import csv_cell


def context(result: Overview, style: Style) -> Iterator[str]:
    """The first view; ``style`` is not used."""
    view = result.views[0]
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(view.columns)
    for row in view.rows:
        writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
    yield line.getvalue()
