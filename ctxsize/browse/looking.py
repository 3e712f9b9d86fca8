"""What browsing is, whatever of: rows by size with bars, a line about what is seen, keys to get around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.coordinate import Coordinate
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import DataTable, Footer, Input, Static

#: Rows that are shown, so that a key shows its effect at once; how many are not is said above them.
MOST = 300
_COLOURS = {
    "ignored": "bright_black",
    "partly": "yellow",
    "needed": "blue",
    "kept": "green",
    "wasted": "red",
    "shown": "green",
}


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


class Asked(ModalScreen[bool]):
    """A text to read, and for a question yes or no."""

    DEFAULT_CSS = """
    Asked { align: center middle; }
    Asked > VerticalScroll { width: 90%; max-width: 100; height: auto; max-height: 80%;
      border: round $primary; padding: 1 2; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes"),
        Binding("n,escape,q,question_mark", "answer(False)", "no"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(Text(self._text))

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Looking(App[None]):
    """A tree by size. What it is of says what rows there are, and what is said of them."""

    CSS = """
    #main { height: 1fr; }
    #rows { width: 2fr; }
    #where, #effect { height: auto; padding: 0 1; }
    #effect { background: $panel; min-height: 2; max-height: 8; }
    #find { display: none; }
    #find.open { display: block; }
    """
    AUTO_FOCUS = "#rows"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "find"),
        Binding("f", "largest", "largest"),
        Binding("s", "sort", "sort"),
        Binding("backspace,left", "up", "up"),
        Binding("question_mark", "help", "help"),
        Binding("q", "quit", "quit"),
    ]
    METRICS: ClassVar[Sequence[str]] = ()
    HELP: ClassVar[str] = ""

    def __init__(self, root: Any) -> None:
        super().__init__()
        self.here = root
        self.files = False
        self.metric = self.METRICS[0]
        self.trouble = ""
        self.hidden = 0
        self._shown: list[Shown] = []
        self._drawn: list[list[Text]] = []

    def rows(self, most: int) -> tuple[list[Shown], int]:
        """The rows, at most so many, and how many there would be."""
        raise NotImplementedError

    def where(self) -> str:
        """The line above them."""
        raise NotImplementedError

    def effect(self) -> str:
        """What is said below them."""
        raise NotImplementedError

    def search(self, text: str) -> tuple[Any, object] | None:
        """What has ``text`` in its name: where it lies, and its key there."""
        raise NotImplementedError

    def beside(self) -> Iterator[Widget]:
        """What is shown beside the rows."""
        yield from ()

    def compose(self) -> ComposeResult:
        yield Static(id="where")
        with Horizontal(id="main"):
            yield DataTable(id="rows", cursor_type="row", zebra_stripes=False)
            yield from self.beside()
        yield Input(id="find", placeholder="part of a name, Enter jumps, Escape leaves")
        yield Static(id="effect")
        yield Footer()

    def on_mount(self) -> None:
        for title in ("size", "", "", "name"):
            self.table.add_column(title)
        self.show()

    @property
    def table(self) -> DataTable[Any]:
        """The rows."""
        return self.query_one("#rows", DataTable)

    @property
    def selected(self) -> Shown | None:
        """The row that the cursor is on."""
        at = self.table.cursor_row
        return self._shown[at] if 0 <= at < len(self._shown) else None

    def show(self, selected: object = None) -> None:
        """Draw everything anew, the cursor on the row with the key ``selected`` if that is there."""
        found, count = self.rows(MOST)
        self.hidden = max(count - len(found), 0)
        table = self.table
        cells = [self._cells(row) for row in found]
        keys = [row.key for row in found]
        if [row.key for row in self._shown] == keys and keys:
            # The rows of before: only what changed is drawn, since drawing takes longest.
            for at, (new, old) in enumerate(zip(cells, self._drawn, strict=True)):
                for column, text in enumerate(new):
                    if text != old[column]:
                        table.update_cell_at(Coordinate(at, column), text)
        else:
            table.clear()
            table.add_rows(cells)
        self._shown, self._drawn = found, cells
        if selected in keys:
            table.move_cursor(row=keys.index(selected))
        self.show_texts()

    def _cells(self, row: Shown) -> list[Text]:
        colour = _COLOURS.get(row.mark, "")
        texts = (row.size, row.bar, row.mark, row.name)
        return [Text(text, style=style) for text, style in zip(texts, ("", colour, "", colour), strict=True)]

    def show_texts(self) -> None:
        """Draw what is said around the rows anew."""
        self.query_one("#where", Static).update(Text(self.where()))
        self.query_one("#effect", Static).update(Text(self.trouble or self.effect()))

    def stay(self) -> None:
        """Draw everything anew, the cursor where it is."""
        row = self.selected
        self.show(row.key if row is not None else None)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        row = self.selected
        if event.data_table is self.table and row is not None and row.opens is not None:
            self.here, self.files = row.opens, False
            self.show()
            self.table.move_cursor(row=0)

    def action_up(self) -> None:
        before = self.here
        if self.files:
            self.files = False
        elif self.here.up is not None:
            self.here = self.here.up
        self.show(key_of(before))

    def action_sort(self) -> None:
        self.metric = self.METRICS[(self.METRICS.index(self.metric) + 1) % len(self.METRICS)]
        self.stay()

    def action_largest(self) -> None:
        self.files = not self.files
        self.show()

    def action_help(self) -> None:
        self.push_screen(Asked(self.HELP))

    def action_find(self) -> None:
        find = self.query_one("#find", Input)
        find.add_class("open")
        find.value = ""
        find.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._close_find()
        found = self.search(event.value) if event.value else None
        self.trouble = "" if found is not None or not event.value else f"Nothing is called {event.value}."
        key = None
        if found is not None:
            (self.here, key), self.files = found, False
        self.show(key)

    def on_key(self, event: Any) -> None:
        if event.key == "escape" and self.focused is not self.table:
            self._close_find()

    def _close_find(self) -> None:
        self.query_one("#find", Input).remove_class("open")
        self.table.focus()


def key_of(thing: Any) -> object:
    """Which row a thing is."""
    return thing.up, thing.name
