"""Columns of text side by side, and what the tables of all reports write in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import click

from ctxsize.units import format_bytes

#: Between columns, as tabulate has it.
_GAP = "  "
_SIDES = {"l": "left", "r": "right"}
#: Columns that hold names are shortened no further than this, however narrow the terminal.
_SHORTEST = 10
#: What a table shows for a figure that was not measured.
UNKNOWN = "?"


def columns(
    rows: Sequence[Sequence[str]],
    headers: Sequence[str],
    align: str,
    *,
    width: int | None = None,
    names: Sequence[int] = (),
) -> str:
    """A line of headers, then a line per row, each column as wide as its widest cell.

    ``align`` has an ``l`` or ``r`` for each column. Cells are printable text. Where lines would be wider
    than ``width``, the cells of the columns ``names`` (by index) are shortened in the middle; other cells
    may have styles.
    """
    lines = [headers, *rows]
    widths = [max(map(text_width, column)) for column in zip(*lines, strict=True)]
    if width is not None:
        limits = _limits(widths, width, names)
        lines = [
            [shortened(cell, limits[at]) if at in limits else cell for at, cell in enumerate(line)]
            for line in lines
        ]
    from tabulate import tabulate  # other formats start without it

    text = tabulate(
        lines,  # the headers too: as headers tabulate would make their columns wider
        tablefmt="plain",
        colalign=[_SIDES[side] for side in align],
        disable_numparse=True,
        preserve_whitespace=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in text.split("\n"))


def known(figure: Any, show: Callable[[Any], str] = format_bytes) -> str:
    """The figure as ``show`` writes it, or that it is not known."""
    return UNKNOWN if figure is None else show(figure)


def more(left: int, what: str = "more") -> str:
    """The line below a table that leaves out ``left`` rows; nothing when it leaves out none."""
    return f"… and {left} {what} (--top 0 shows all)\n" if left else ""


def shortened(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns of a terminal: what is too long loses its middle."""
    if text_width(text) <= width:
        return text
    head, tail = "", ""
    left = (width - 1) // 2
    for letter in text:
        if text_width(head + letter) > left:
            break
        head += letter
    for letter in reversed(text):
        if text_width(letter + tail) > width - 1 - left:
            break
        tail = letter + tail
    return f"{head}…{tail}"


def text_width(text: str) -> int:
    """How many columns of a terminal the text takes; styles take none."""
    if "\x1b" in text:
        text = click.unstyle(text)
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _limits(widths: Sequence[int], width: int, names: Sequence[int]) -> dict[int, int]:
    """How wide the columns ``names`` may be: the widest gives up what is too much, then the next one too."""
    limits = {at: widths[at] for at in names}
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while over > 0:
        widest = max(limits, key=lambda at: limits[at], default=None)
        if widest is None or limits[widest] <= _SHORTEST:
            break
        limits[widest] -= 1
        over -= 1
    return limits
