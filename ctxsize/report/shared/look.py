"""How a report looks: colours and bars or none, how wide, how many rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click

from ctxsize.text import printable

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Look:
    """``colour`` allows ANSI styles. A table of paths or rules shows at most ``rows`` rows (0: all). With
    ``null`` each path of a list is followed by a null byte instead of a line end.

    ``width`` is that of the terminal, None where there is none: then no row is shortened, and there are no
    bars. ``blocks``: it shows more than ASCII. ``listing`` is what the tables of a comparison list: ``path``,
    ``rule``, ``both``, or ``auto``, one table where paths and rules are one to one.
    """

    colour: bool = False
    rows: int = 10
    null: bool = False
    width: int | None = None
    blocks: bool = False
    listing: str = "auto"

    def bold(self, text: str) -> str:
        """``text`` emphasised, where colours are allowed."""
        return click.style(text, bold=True) if self.colour else text

    def good(self, text: str) -> str:
        """A saving."""
        return click.style(text, fg="green") if self.colour else text

    def warn(self, text: str) -> str:
        """Something to look at."""
        return click.style(text, fg="yellow") if self.colour else text

    def bar(self, share: float, cells: int) -> str:
        """A bar that fills ``share`` (0 to 1) of ``cells`` columns; what is more than nothing is seen."""
        if not self.blocks:
            return "#" * max(round(share * cells), int(share > 0))
        eighths = max(round(share * cells * 8), int(share > 0))
        whole, rest = divmod(eighths, 8)
        return "█" * whole + " ▏▎▍▌▋▊▉"[rest].strip()

    def note(self, text: str, where: str | None = None) -> str:
        """The line that tells the reader ``text``, a remark about ``where``."""
        return f"{self.warn('note: ')}{printable(f'{where}: {text}' if where else text)}\n"

    def first(
        self, items: Sequence[_Item], always: Callable[[_Item], bool] = lambda item: False
    ) -> tuple[Sequence[_Item], int]:
        """The items that a table shows, and how many it leaves out. Those that are to be shown ``always``
        don't count."""
        shown = items
        if self.rows:
            shown = [*items[: self.rows], *filter(always, items[self.rows :])]
        return shown, len(items) - len(shown)
