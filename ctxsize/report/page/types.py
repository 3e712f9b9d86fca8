"""A page as values: what it says, in tables and charts, before it is HTML.

All text is plain and printable; the template escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: A table of more rows shows the first few at once, the others on request.
MOST_UNFOLDED = 40
_UNFOLDED = 25


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from ``start``, ``length`` long, both as parts of the width of all bars; ``kind`` colours it."""

    start: float
    length: float
    kind: str = "saved"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; ``bars`` lie one below the other in a cell of their own. ``rest``: it stands for what
    has no row of its own; ``strong``: it is the sum of the others."""

    cells: Sequence[str]
    bars: Sequence[Bar] = ()
    rest: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """``align`` has an ``l`` or ``r`` for each column; the first names the row. ``bars`` is the header of the
    column of bars, empty when there is none."""

    headers: Sequence[str]
    align: str
    rows: Sequence[Row]
    bars: str = ""
    notes: Sequence[str] = ()

    @property
    def parts(self) -> list[Sequence[Row]]:
        """The rows that are seen at once, and those that are folded when there are many."""
        plain = [row for row in self.rows if not (row.rest or row.strong)]
        if len(plain) <= MOST_UNFOLDED:
            return [self.rows]
        return [
            [*plain[:_UNFOLDED], *(row for row in self.rows if row.rest or row.strong)],
            plain[_UNFOLDED:],
        ]


@dataclass(frozen=True, slots=True)
class Dots:
    """Single runs of several rows on one scale that begins at 0; ``middle`` is a row's median. Positions are
    parts of the scale, whose end is ``end`` as text."""

    rows: Sequence[tuple[str, Sequence[float], float, str]]
    end: str
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what belongs to it."""

    title: str
    table: Table | None = None
    dots: Dots | None = None
    text: Sequence[str] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class Map:
    """A treemap: ``data`` from TreeBuilder, which ``metrics`` it has, and what its kinds and rules are
    called. ``note`` says what is not in it."""

    title: str
    data: str
    metrics: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    rules: Sequence[tuple[int, str]] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    title: str
    headline: str
    subtitle: str
    sections: Sequence[Section]
    map: Map | None = None
    footer: str = ""
