"""Columns of text side by side.

tabulate does this and more, and takes as long to import as a scan of ten thousand files takes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_GAP = "  "


def columns(rows: Sequence[Sequence[str]], headers: Sequence[str], align: str) -> str:
    """The rows below the headers, each a line, as wide as they must be. ``align`` has an ``l`` or ``r`` for
    each column. Cells are printable text without styles."""
    lines = [headers, *rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return "".join(_line(line, widths, align) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], align: str) -> str:
    padded = []
    for cell, width, side in zip(cells, widths, align, strict=True):
        blank = " " * (width - _width(cell))
        padded.append(blank + cell if side == "r" else cell + blank)
    return _GAP.join(padded).rstrip() + "\n"


def _width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
