"""Comma-separated values: a line of column names, then a line per row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from ctxsize.text import csv_cell


def csv_lines(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines as they come: plain numbers, harmless text, and nothing where a cell is None."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        yield line.getvalue()
        line.seek(0)
        line.truncate()
        writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
    yield line.getvalue()
