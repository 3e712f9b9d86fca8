"""What browsing is, whatever of: rows by size with bars, a line about what is seen, keys to get around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from ctxsize.browse.rows import BAR
from ctxsize.browse.table import Rows, Shown

#: Rows that are shown, so that a key shows its effect at once; how many are not is said above them.
MOST = 300


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
    #where { height: 1; padding: 0 1; }
    #effect { height: 4; padding: 0 1; background: $panel; }
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

    def rows(self, most: int, wanted: object) -> tuple[list[Shown], int]:
        """The rows, at most so many and the one with the key ``wanted``, and how many there would be."""
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
            yield Rows(id="rows", bar=BAR)
            yield from self.beside()
        yield Input(id="find", placeholder="part of a name, Enter jumps, Escape leaves")
        yield Static(id="effect")
        yield Footer()

    def on_mount(self) -> None:
        self.show()

    @property
    def table(self) -> Rows:
        """The rows."""
        return self.query_one("#rows", Rows)

    @property
    def selected(self) -> Shown | None:
        """The row that the cursor is on."""
        return self.table.selected

    def show(self, selected: object = None) -> None:
        """Draw everything anew, the cursor on the row with the key ``selected`` if that is there."""
        found, count = self.rows(MOST, selected)
        self.hidden = max(count - len(found), 0)
        at = next((at for at, row in enumerate(found) if row.key == selected), 0)
        self.table.fill(found, at)
        self.show_texts()

    def show_texts(self) -> None:
        """Draw what is said around the rows anew."""
        # Their size stays: to lay everything out anew takes longest.
        self.query_one("#where", Static).update(Text(self.where()), layout=False)
        self.query_one("#effect", Static).update(Text(self.trouble or self.effect()), layout=False)

    def stay(self) -> None:
        """Draw everything anew, the cursor where it is."""
        row = self.selected
        self.show(row.key if row is not None else None)

    def on_rows_opened(self) -> None:
        row = self.selected
        if row is not None and row.opens is not None:
            self.here, self.files = row.opens, False
            self.show()

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
