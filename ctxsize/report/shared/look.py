"""How a report looks: colours or none, how many rows."""

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
    ``null`` each path of a list is followed by a null byte instead of a line end."""

    colour: bool = False
    rows: int = 10
    null: bool = False

    def bold(self, text: str) -> str:
        """``text`` emphasised, where colours are allowed."""
        return click.style(text, bold=True) if self.colour else text

    def good(self, text: str) -> str:
        """A saving."""
        return click.style(text, fg="green") if self.colour else text

    def warn(self, text: str) -> str:
        """Something to look at."""
        return click.style(text, fg="yellow") if self.colour else text

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
