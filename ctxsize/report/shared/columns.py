"""Columns of text side by side, and what the tables of all reports write in them.

tabulate does this and more, but importing it takes as long as scanning ten thousand files.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from ctxsize.units import format_bytes

_GAP = "  "
#: What a table shows for a figure that was not measured.
UNKNOWN = "?"


def columns(rows: Sequence[Sequence[str]], headers: Sequence[str], align: str) -> str:
    """A line of headers, then a line per row, each column as wide as its widest cell.

    ``align`` has an ``l`` or ``r`` for each column. Cells are printable text without styles.
    """
    lines = [headers, *rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return "".join(_line(line, widths, align) for line in lines)


def known(figure: Any, show: Callable[[Any], str] = format_bytes) -> str:
    """The figure as ``show`` writes it, or that it is not known."""
    return UNKNOWN if figure is None else show(figure)


def more(left: int, what: str = "more") -> str:
    """The line below a table that leaves out ``left`` rows; nothing when it leaves out none."""
    return f"… and {left} {what} (--top 0 shows all)\n" if left else ""


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
