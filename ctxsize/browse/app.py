"""The browser itself: a directory's rows on the left, the draft on the right, what it changes below."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.coordinate import Coordinate
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Input, Static

from ctxsize.browse.open import Opened
from ctxsize.browse.rows import METRICS, Row, largest, rows, search
from ctxsize.browse.tree import Node
from ctxsize.errors import CtxsizeError
from ctxsize.text import printable
from ctxsize.units import format_bytes

_COLOURS = {"ignored": "bright_black", "partly": "yellow", "needed": "blue", "kept": "green"}
#: How often the rows follow the scan.
_SECONDS = 0.4
#: Rows that are shown, so that a key shows its effect at once; how many are not is said above them.
_MOST = 300
_HELP = """\
Arrows, Enter   move, open a directory        Backspace  up
i               ignore this                   e          except it: keep it
u               undo the last line            w          write the file (diff first)
/               jump to a name                f          the largest files below here
s               sort by the next measure      ?          this help
q               leave; nothing is written

needed: a step takes it    kept: it arrives and no step takes it (or nobody knows)
partly: some of it arrives    ignored: none of it does
"""


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


class Browser(App[None]):
    """A project by size, and a draft of its ignore file."""

    CSS = """
    #main { height: 1fr; }
    #rows { width: 2fr; }
    #draft { width: 1fr; border-left: solid $primary; padding: 0 1; }
    #where, #effect { height: auto; padding: 0 1; }
    #effect { background: $panel; min-height: 2; }
    #find { display: none; }
    #find.open { display: block; }
    """
    AUTO_FOCUS = "#rows"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "ignore", "ignore"),
        Binding("e", "keep", "except"),
        Binding("u", "undo", "undo"),
        Binding("w", "write", "write"),
        Binding("slash", "find", "find"),
        Binding("f", "largest", "largest"),
        Binding("s", "sort", "sort"),
        Binding("backspace,left", "up", "up"),
        Binding("question_mark", "help", "help"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self._tree, self._draft = opened.tree, opened.draft
        self._title = opened.project.name
        self._at = self._tree.root
        self._files = False
        self._metric = METRICS[0]
        self._shown: list[Node] = []
        self._judged = False
        self._stop = threading.Event()
        self._trouble = ""
        self._hidden = 0
        self._drawn: list[list[Text]] = []

    def compose(self) -> ComposeResult:
        yield Static(id="where")
        with Horizontal(id="main"):
            yield DataTable(id="rows", cursor_type="row", zebra_stripes=False)
            with VerticalScroll(id="draft"):
                yield Static(id="lines")
        yield Input(id="find", placeholder="part of a name, Enter jumps, Escape leaves")
        yield Static(id="effect")
        yield Footer()

    def on_mount(self) -> None:
        table = self._table
        for title in ("size", "", "", "name"):
            table.add_column(title)
        self._show()
        threading.Thread(target=self._scan, name="scan", daemon=True).start()
        self._following = self.set_interval(_SECONDS, self._follow)

    def on_unmount(self) -> None:
        self._stop.set()

    @property
    def _table(self) -> DataTable[Any]:
        return self.query_one("#rows", DataTable)

    def _scan(self) -> None:
        self._tree.read(stop=self._stop.is_set)

    def _follow(self) -> None:
        """Show what the scan has found since; the draft begins when it is complete."""
        if self._tree.complete and not self._judged:
            self._following.stop()
            self._draft.begin()
            self._judged = True
        self._show(self._selected)

    @property
    def _selected(self) -> Node | None:
        at = self._table.cursor_row
        return self._shown[at] if 0 <= at < len(self._shown) else None

    def _show(self, selected: Node | None = None) -> None:
        """Draw everything anew, the cursor on ``selected`` if that is there."""
        below = self._at.below or {}
        nodes = largest(self._at, self._metric) if self._files else [*below.values()]
        found = rows(nodes, self._metric, self._tree, paths=self._files)
        self._hidden = max(len(found) - _MOST, 0)
        found = found[:_MOST]
        table = self._table
        cells = [self._cells(row) for row in found]
        if self._shown == [row.node for row in found]:
            # The rows of before: only what changed is drawn, since drawing takes longest.
            for at, (new, old) in enumerate(zip(cells, self._drawn, strict=True)):
                for column, text in enumerate(new):
                    if text != old[column]:
                        table.update_cell_at(Coordinate(at, column), text)
        else:
            table.clear()
            for row_cells in cells:
                table.add_row(*row_cells)
        self._shown, self._drawn = [row.node for row in found], cells
        if selected in self._shown:
            table.move_cursor(row=self._shown.index(selected))
        self._show_texts()

    def _cells(self, row: Row) -> list[Text]:
        colour = _COLOURS[row.mark] if self._judged else ""
        texts = (row.size, row.bar, row.mark if self._judged else "", row.name)
        return [Text(text, style=style) for text, style in zip(texts, ("", colour, "", colour), strict=True)]

    def _show_texts(self) -> None:
        where = printable("/".join(filter(None, (self._title, self._at.path))))
        what = f"largest files in {where}" if self._files else where
        state = "" if self._tree.complete else f", scanning … {self._tree.seen} entries"
        trouble = f"  {printable(self._tree.trouble)}" if self._tree.trouble else ""
        sizes = f"{format_bytes(self._at.bytes)}, {self._at.files} files, by {self._metric}"
        hidden = f", {self._hidden} smaller ones not shown" if self._hidden else ""
        self.query_one("#where", Static).update(Text(f"{what}: {sizes}{hidden}{state}{trouble}"))
        lines = Text(f"{printable(self._draft.name)}\n\n", style="bold")
        for line in self._draft.lines:
            lines.append(f"{printable(line)}\n", style="not bold")
        for line in self._draft.added:
            lines.append(f"+ {printable(line)}\n", style="not bold green")
        self.query_one("#lines", Static).update(lines)
        self.query_one("#effect", Static).update(Text(self._trouble or self._effect()))

    def _effect(self) -> str:
        """What the draft changes, in a line."""
        if not self._judged:
            return "The draft can be changed once the scan is complete."
        root, effect = self._tree.root, self._draft.effect
        now = f"The build sees {format_bytes(root.kept_bytes)} in {root.kept_files} files"
        if effect.trouble:
            return f"Docker would refuse this: {effect.trouble}"
        if not self._draft.added:
            return f"{now}."
        sign = "+" if effect.bytes > 0 else ""
        said = [f"{now}: {sign}{format_bytes(effect.bytes)}, {effect.files:+d} files"]
        if effect.secrets:
            said.append(f"{effect.secrets:+d} that look like secrets")
        if effect.broken:
            said.append(f"BREAKS {printable('; '.join(effect.broken))}")
        return ", ".join(said)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        node = self._shown[event.cursor_row]
        if node.below is not None:
            self._at, self._files = node, False
            self._show()

    def action_up(self) -> None:
        before = self._at
        if self._files:
            self._files = False
        elif self._at.up is not None:
            self._at = self._at.up
        self._show(before)

    def action_ignore(self) -> None:
        self._change(self._draft.ignore)

    def action_keep(self) -> None:
        self._change(self._draft.keep)

    def _change(self, change: Any) -> None:
        node = self._selected
        if node is None or not self._judged:
            return
        self._trouble = ""
        try:
            change(node.path)
        except CtxsizeError as error:
            self._trouble = str(error)
        self._show(node)

    def action_undo(self) -> None:
        node = self._selected
        self._trouble = "" if self._draft.undo() else "There is nothing to undo."
        self._show(node)

    def action_sort(self) -> None:
        self._metric = METRICS[(METRICS.index(self._metric) + 1) % len(METRICS)]
        self._show(self._selected)

    def action_largest(self) -> None:
        self._files = not self._files
        self._show()

    def action_help(self) -> None:
        self.push_screen(Asked(_HELP))

    def action_find(self) -> None:
        find = self.query_one("#find", Input)
        find.add_class("open")
        find.value = ""
        find.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._close_find()
        found = search(self._tree.root, event.value) if event.value else None
        self._trouble = "" if found is not None or not event.value else f"Nothing is called {event.value}."
        if found is not None and found.up is not None:
            self._at, self._files = found.up, False
        self._show(found)

    def on_key(self, event: Any) -> None:
        if event.key == "escape" and self.query_one("#find", Input).has_focus:
            self._close_find()

    def _close_find(self) -> None:
        self.query_one("#find", Input).remove_class("open")
        self._table.focus()

    def action_write(self) -> None:
        diff = "\n".join(printable(line) for line in self._draft.diff())
        if not diff or not self._judged:
            self._trouble = "There is nothing to write."
            self._show_texts()
            return
        self.push_screen(Asked(f"{diff}\n\nWrite this?  y / n"), self._write)

    def _write(self, yes: bool | None) -> None:
        if not yes:
            return
        try:
            self._draft.write()
            self._trouble = f"{printable(self._draft.name)} is written."
        except CtxsizeError as error:
            self._trouble = str(error)
        self._show(self._selected)
