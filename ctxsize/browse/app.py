"""The browser of a project: its rows on the left, the draft on the right, what that changes below."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import TextArea

from ctxsize.browse.editor import Editor
from ctxsize.browse.findings import Findings
from ctxsize.browse.looking import Asked, Looking, key_of
from ctxsize.browse.open import Opened
from ctxsize.browse.proving import Proving
from ctxsize.browse.rows import METRICS, Row, largest, one, rows, search
from ctxsize.browse.table import Shown
from ctxsize.errors import CtxsizeError
from ctxsize.text import printable
from ctxsize.units import format_bytes

#: How often the rows follow the scan, and after which time what was typed is judged.
_SECONDS, _TYPED = 0.4, 0.02
#: How long it is judged before keys are heard again.
_PIECE = 0.02
_HELP = """\
Arrows, Enter   move, open a directory        Backspace  up
i               ignore this                   e          except it: keep it
t               type in the draft             Escape     back to the tree
u               undo the last change          w          write the file (diff first)
l               what lint finds in the draft  b          build, and prove the draft
/               jump to a name                f          the largest files below here
s               sort by the next measure      ?          this help
q               leave; nothing is written

needed: a step takes it    kept: it arrives and no step takes it (or nobody knows)
partly: some of it arrives    ignored: none of it does
"""


class Browser(Looking):
    """A project by size, and a draft of its ignore file."""

    CSS = (
        Looking.CSS
        + """
    #draft { width: 1fr; border: none; border-left: solid $primary; padding: 0 1; }
    #draft:focus { border: none; border-left: thick $accent; }
    """
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "ignore", "ignore"),
        Binding("e", "keep", "except"),
        Binding("t", "type", "type"),
        Binding("u", "undo", "undo"),
        Binding("w", "write", "write"),
        Binding("b", "build", "build"),
        Binding("l", "lint", "lint"),
    ]
    METRICS: ClassVar[Sequence[str]] = METRICS
    HELP = _HELP

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened.tree.root)
        self._opened = opened
        self._tree, self._draft = opened.tree, opened.draft
        self._title = opened.project.name
        self._complete = threading.Event()
        self._judged = False
        self._typed = False
        self._gone = threading.Event()
        #: When the scan was over, by time.perf_counter().
        self.scanned = 0.0
        self.findings = Findings(opened.lint, self._found)

    def beside(self) -> Iterator[Widget]:
        yield Editor(self._draft, id="draft")

    def on_mount(self) -> None:
        threading.Thread(target=self._scan, name="scan", daemon=True).start()
        self._following = self.set_interval(_SECONDS, self._follow)

    def on_unmount(self) -> None:
        self._gone.set()
        self.findings.close()

    @property
    def _editor(self) -> Editor:
        return self.query_one("#draft", Editor)

    def _scan(self) -> None:
        self._tree.read(stop=self._gone.is_set)
        if self._tree.complete:
            self._draft.begin()
            self.scanned = time.perf_counter()
            self._complete.set()
            self.findings.ask(self._draft.data)

    def _follow(self) -> None:
        """Show what the scan has found since; the draft begins when it is complete."""
        if self._complete.is_set() and not self._judged:
            self._following.stop()
            self._judged = True
            self._editor.begin()
        # Nobody has moved yet: the largest so far is not the largest of all.
        self.stay() if self.table.cursor else self.show()

    def _found(self) -> None:
        """The findings of lint have come, in a thread."""
        if not self._gone.is_set():
            self.call_from_thread(self.show_texts)

    def rows(self, most: int, wanted: object) -> tuple[list[Shown], int]:
        if self.files:
            found = largest(self.here, self.metric, self._tree, most)
            return [self._shown_row(row) for row in found], len(found)
        found = rows(self.here, self.metric, self._tree, most)
        shown = [self._shown_row(row) for row in found]
        count = len(self.here.below) + len(self.here.sizes)
        if count > len(shown) and all(row.key != wanted for row in shown):
            # What was searched for is shown, however small it is.
            shown += [self._shown_row(row) for row in one(self.here, wanted, self.metric, self._tree)]
        return shown, count

    def _shown_row(self, row: Row) -> Shown:
        opens = row.node if row.node.below is not None else None
        mark = row.mark if self._judged else ""
        return Shown(key_of(row.node), row.node, opens, row.size, row.bar, mark, row.name)

    def where(self) -> str:
        where = printable("/".join(filter(None, (self._title, self.here.path))))
        what = f"largest files in {where}" if self.files else where
        state = "" if self._tree.complete else f", scanning … {self._tree.seen} entries"
        trouble = f"  {printable(self._tree.trouble)}" if self._tree.trouble else ""
        sizes = f"{format_bytes(self.here.bytes)}, {self.here.files} files, by {self.metric}"
        hidden = f", {self.hidden} smaller ones not shown" if self.hidden else ""
        return f"{what}: {sizes}{hidden}{state}{trouble}"

    def effect(self) -> str:
        """What the draft changes."""
        if not self._judged:
            return "The draft can be changed once the scan is complete."
        root, effect = self._tree.root, self._draft.effect
        now = f"The build sees {format_bytes(root.kept_bytes)} in {root.kept_files} files"
        if effect.trouble:
            return f"Docker would refuse this: {effect.trouble}"
        if not self._draft.changed:
            return f"{now}.{self.findings.line(self._draft.data)}"
        sign = "+" if effect.bytes > 0 else ""
        said = [f"{now}: {sign}{format_bytes(effect.bytes)}, {effect.files:+d} files"]
        if effect.secrets:
            said.append(f"{effect.secrets:+d} that look like secrets")
        if effect.broken:
            said.append(f"BREAKS {printable('; '.join(effect.broken))}")
        return ", ".join(said) + self.findings.line(self._draft.data)

    def search(self, text: str) -> tuple[object, object] | None:
        found = search(self._tree.root, text)
        return None if found is None else (found[0], found)

    def action_ignore(self) -> None:
        self._change(self._draft.ignore)

    def action_keep(self) -> None:
        self._change(self._draft.keep)

    def _change(self, change: object) -> None:
        row = self.selected
        if row is None or not self._judged or not callable(change):
            return
        self.trouble = ""
        try:
            change(row.thing.path)
        except CtxsizeError as error:
            self.trouble = str(error)
        self._changed()

    def _changed(self) -> None:
        self._editor.follow()
        self.findings.ask(self._draft.data)
        self.stay()

    def action_undo(self) -> None:
        self.trouble = "" if self._draft.undo() else "There is nothing to undo."
        self._changed()

    def action_type(self) -> None:
        if self._judged:
            self.trouble = self._editor.trouble
            self._editor.focus()
            self.show_texts()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        if self._judged and not self._typed and self._editor.data != self._draft.data:
            self._typed = True
            self.set_timer(_TYPED, self._judge_typed)

    @property
    def up_to_date(self) -> bool:
        """Whether all that was typed is judged and shown."""
        return not self._typed and self._editor.data == self._draft.data

    async def _judge_typed(self) -> None:
        """Judge what was typed, in pieces between which keys are heard; once more where more was typed."""
        self.trouble = ""
        while (data := self._editor.data) != self._draft.data:
            began = time.perf_counter()
            for _ in self._draft.changing(data):
                if time.perf_counter() - began > _PIECE:
                    await asyncio.sleep(0)
                    began = time.perf_counter()
                    if self._editor.data != data:
                        break
        self._typed = False
        self.findings.ask(self._draft.data)
        self.stay()

    def action_lint(self) -> None:
        self.push_screen(Asked(self.findings.text(self._draft.data)))

    def action_build(self) -> None:
        if not self._judged or not self._draft.changed or self._draft.trouble:
            self.trouble = "There is nothing to prove." if not self._draft.changed else ""
            self.show_texts()
            return
        self.push_screen(Proving(self._opened.proof(self._draft.data)))

    def action_write(self) -> None:
        diff = "\n".join(printable(line) for line in self._draft.diff().splitlines())
        if not diff or not self._judged:
            self.trouble = "There is nothing to write."
            self.show_texts()
            return
        self.push_screen(Asked(f"{diff}\n\nWrite this?  y / n"), self._write)

    def _write(self, yes: bool | None) -> None:
        if not yes:
            return
        try:
            self._draft.write()
            self.trouble = f"{printable(self._draft.name)} is written."
            self.findings.begin()
        except CtxsizeError as error:
            self.trouble = str(error)
        self._editor.refresh()
        self._changed()
