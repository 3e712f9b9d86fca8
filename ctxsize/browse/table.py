"""The rows themselves: drawn one by one as they are seen, which is what makes a key quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

_COLOURS = {
    "ignored": Style(color="bright_black"),
    "partly": Style(color="yellow"),
    "needed": Style(color="blue"),
    "kept": Style(color="green"),
    "wasted": Style(color="red"),
    "shown": Style(color="green"),
}
_PLAIN = Style()
_CURSOR = Style(reverse=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """A row: ``key`` says which thing it is, whatever becomes of it; ``opens`` is what Enter opens, if
    anything; ``mark`` says what becomes of it, in a word. ``thing`` is it."""

    key: object
    thing: Any
    opens: Any
    size: str
    bar: str
    mark: str
    name: str


class Rows(ScrollView, can_focus=True):
    """Rows with a cursor on one of them. Says Opened when Enter is pressed, Moved when the cursor moves."""

    DEFAULT_CSS = "Rows { height: 1fr; overflow-x: hidden; overflow-y: scroll; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000000)", show=False),
        Binding("end", "move(1000000000)", show=False),
        Binding("enter", "open", show=False),
    ]

    class Opened(Message):
        """Enter was pressed."""

    class Moved(Message):
        """The cursor is on another row."""

    def __init__(self, *, id: str, bar: int) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Shown] = ()
        self.cursor = 0
        self._bar = bar
        self._width = self._mark = 0

    def fill(self, rows: Sequence[Shown], cursor: int) -> None:
        """Show these, the cursor on the one with that number."""
        self.rows = rows
        self.cursor = max(min(cursor, len(rows) - 1), 0)
        self._width = max((len(row.size) for row in rows), default=0)
        self._mark = max((len(row.mark) for row in rows), default=0)
        self.virtual_size = Size(0, len(rows))
        self._follow()
        self.refresh()

    @property
    def selected(self) -> Shown | None:
        """The row that the cursor is on."""
        return self.rows[self.cursor] if self.rows else None

    def render_line(self, y: int) -> Strip:
        """The row that is seen there."""
        at = y + self.scroll_offset.y
        width = self.size.width
        if at >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[at]
        colour = _COLOURS.get(row.mark, _PLAIN)
        base = self.rich_style + _CURSOR if at == self.cursor and self.has_focus else self.rich_style
        left = f" {row.size:>{self._width}} "
        bar = f"{row.bar:<{self._bar}} "
        mark = f"{row.mark:<{self._mark}} " if self._mark else ""
        rest = max(width - len(left) - len(bar) - len(mark), 0)
        name = row.name if cell_len(row.name) <= rest else shortened(row.name, rest)
        texts = ((left, _PLAIN), (bar, colour), (mark, _PLAIN), (set_cell_size(name, rest), colour))
        return Strip([Segment(text, base + style) for text, style in texts], width)

    def action_move(self, by: int) -> None:
        """The cursor so many rows further."""
        before = self.cursor
        self.cursor = max(min(self.cursor + by, len(self.rows) - 1), 0)
        if self.cursor != before:
            top = self.scroll_offset.y
            self._follow()
            if self.scroll_offset.y == top:
                self.refresh(*(Region(0, at - top, self.size.width, 1) for at in (before, self.cursor)))
            else:
                self.refresh()
            self.post_message(self.Moved())

    def action_page(self, by: int) -> None:
        """The cursor a page further."""
        self.action_move(by * max(self.size.height - 1, 1))

    def action_open(self) -> None:
        """Say so."""
        self.post_message(self.Opened())

    def on_focus(self) -> None:
        """The cursor is seen."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor is not seen."""
        self.refresh()

    def _follow(self) -> None:
        """Have the cursor be seen."""
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)


def shortened(text: str, width: int) -> str:
    """A text without its middle, in so many columns."""
    half = max((width - 1) // 2, 0)
    return f"{set_cell_size(text, half)}…{text[len(text) - half :] if half else ''}"
