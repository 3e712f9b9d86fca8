"""How a report may look: colours or none, how many rows."""

from __future__ import annotations

from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Style:
    """``colour`` allows ANSI styles; ``top`` is the most rows a table of paths or rules shows (0: all)."""

    colour: bool = False
    top: int = 10

    def bold(self, text: str) -> str:
        """``text`` emphasised, where colours are allowed."""
        return click.style(text, bold=True) if self.colour else text

    def good(self, text: str) -> str:
        """A saving."""
        return click.style(text, fg="green") if self.colour else text

    def warn(self, text: str) -> str:
        """Something to look at."""
        return click.style(text, fg="yellow") if self.colour else text
