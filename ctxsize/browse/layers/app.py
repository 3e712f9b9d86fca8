"""The browser of an image: what its layers store by size, which step stored it, and why it is wasted."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from ctxsize.browse.jobs import Doing, terminal
from ctxsize.browse.layers.open import OpenedName
from ctxsize.browse.layers.steps import ChooseStep
from ctxsize.browse.layers.tree import Content, ImageTree, Place, Why
from ctxsize.browse.looking import Looking, key_of
from ctxsize.browse.rows import BAR
from ctxsize.browse.table import Rows, Shown
from ctxsize.errors import CtxsizeError
from ctxsize.inspection.steps import Step, steps_of
from ctxsize.report.image.words import cause_of
from ctxsize.report.shared.look import Look
from ctxsize.text import printable
from ctxsize.units import format_bytes

_SECONDS = 0.4
_METRICS = ("all bytes", "wasted bytes", "shown bytes", "files")
_HELP = """\
Arrows, Enter   move, open a directory        Backspace  up
l               the layers by size: one alone, or all
h               hide the base image's layers, or show them
/               jump to a name                f          the largest files below here
s               sort by the next measure      ?          this help
q               leave

shown: the final image has it    wasted: a later layer buried it, the bytes stay
partly: some of it is wasted
"""


class ImageBrowser(Looking):
    """An image by size."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "layers", "layers"),
        Binding("h", "hide", "hide base"),
    ]
    METRICS: ClassVar[Sequence[str]] = _METRICS
    HELP = _HELP

    def __init__(self, opened: OpenedName) -> None:
        self._tree = ImageTree()
        super().__init__(self._tree.root)
        self._opened = opened
        self._steps: dict[int, Step] = {}
        self._base: int | None = None
        self._all = 0
        self._layer: int | None = None
        self._without_base = False
        self._gone = threading.Event()
        self._doing = "opening …"
        #: Why the image could not be read.
        self.failure: CtxsizeError | None = None

    def on_mount(self) -> None:
        threading.Thread(target=self._read, name="read", daemon=True).start()
        self._following = self.set_interval(_SECONDS, self._follow)

    def on_unmount(self) -> None:
        self._gone.set()

    def _read(self) -> None:
        try:
            with self._opened.source(terminal(self._tell)) as opened:
                steps = steps_of(opened.image, opened.lines, opened.dockerfile)
                self._steps = {step.position: step for step in steps if step.position is not None}
                self._base = opened.base
                assert opened.inventory is not None
                self._tree.read(opened.inventory.stored(opened.image), self._gone.is_set)
        except CtxsizeError as error:
            self.failure = error

    def _tell(self, what: object) -> None:
        if isinstance(what, Doing):
            self._doing = what.text

    def _follow(self) -> None:
        if self.failure is not None:
            self.exit()
            return
        if self._tree.complete:
            self._following.stop()
            self._all = self._tree.root.bytes
        self.stay() if self.table.cursor else self.show()

    def rows(self, most: int, wanted: object) -> tuple[list[Shown], int]:
        things: list[Place | Content]
        if self.files:
            things = [each for place in self._tree.places(self.here) for each in place.contents]
        else:
            # Copied at once: it may be being read.
            things = [*list(self.here.below.values()), *list(self.here.contents)]
        chosen = heapq.nsmallest(most, things, key=lambda each: (-self._measure(each), each.name))
        if len(chosen) < len(things):
            chosen += [each for each in things if _key(each) == wanted and each not in chosen]
        whole = self._measure(self.here)
        return [self._row(each, whole) for each in chosen], len(chosen) if self.files else len(things)

    def _measure(self, thing: Place | Content) -> int:
        if self.metric == "files":
            return thing.files
        if self.metric == "all bytes":
            return thing.bytes
        return thing.wasted if self.metric == "wasted bytes" else thing.bytes - thing.wasted

    def _row(self, thing: Place | Content, whole: int) -> Shown:
        size = self._measure(thing)
        place = isinstance(thing, Place)
        name = thing.path if self.files else thing.name
        return Shown(
            _key(thing),
            thing,
            thing if place else None,
            str(size) if self.metric == "files" else format_bytes(size),
            Look(blocks=True).bar(size / whole, BAR) if whole else "",
            "shown" if not thing.wasted else "wasted" if thing.wasted == thing.bytes else "partly",
            printable(name) + ("/" if place else ""),
        )

    def where(self) -> str:
        here = self.here
        where = printable(f"{self._opened.name}: {here.path or '/'}")
        what = f"largest files in {where}" if self.files else where
        state = "" if self._tree.complete else f", reading … {self._tree.seen} files"
        hidden = f", {self.hidden} smaller ones not shown" if self.hidden else ""
        only = "" if self._layer is None else f", only {self._named(self._layer)}"
        only += ", without the base image" if self._without_base else ""
        sizes = f"{format_bytes(here.bytes)}, {format_bytes(here.wasted)} of it wasted, {here.files} files"
        return f"{what}: {sizes}, by {self.metric}{printable(only)}{hidden}{state}"

    def effect(self) -> str:
        """Which step stored what the cursor is on, or why some of it is wasted."""
        row = self.selected
        if row is None:
            return "" if self._tree.complete else self._doing
        thing = row.thing
        if isinstance(thing, Content):
            said = f"stored by {self._named(thing.position)}"
            return f"{printable(said)}{self._reason(thing.why, thing.bytes) if thing.why else ''}"
        reasons = sorted(thing.reasons.items(), key=lambda each: -each[1])
        lines = [
            f"stored by {printable(self._named(why.position))}{self._reason(why, size)}"
            for why, size in reasons[:2]
        ]
        more = f" (and {len(reasons) - 2} more reasons)" if len(reasons) > 2 else ""
        return "\n".join(lines) + more if lines else "nothing of it is wasted"

    def _named(self, position: int) -> str:
        """A step as people know it: its line, or its number, and what it does."""
        step = self._steps.get(position)
        if step is None:
            return f"layer {position + 1}"
        where = f"line {step.line}" if step.line is not None else f"#{step.number}"
        return f"{where} {step.text}".rstrip()

    def _reason(self, why: Why, size: int) -> str:
        how = cause_of(why.cause, why.changed)
        return printable(f"; {format_bytes(size)} wasted: {how} by {self._named(why.buried_by)}")

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """What is said is about the row that the cursor is on."""
        self.show_texts()

    def search(self, text: str) -> tuple[Any, object] | None:
        wanted = text.lower()
        best: tuple[bool, int] = (False, -1)
        found: tuple[Any, object] | None = None
        for place in self._tree.places(self._tree.root):
            things: list[Place | Content] = [*place.below.values(), *place.contents]
            for each in things:
                name = each.name.lower()
                if wanted in name and (rank := (name.startswith(wanted), each.bytes)) > best:
                    best, found = rank, (place, _key(each))
        return found

    def action_layers(self) -> None:
        if self._tree.complete:
            self.push_screen(ChooseStep(self._layers()), self._choose)

    def _layers(self) -> list[tuple[int | None, str]]:
        sizes: dict[int, list[int]] = {}
        for stored in self._tree.stored:
            sums = sizes.setdefault(stored.position, [0, 0])
            sums[0] += stored.bytes
            sums[1] += stored.bytes if stored.buried_by is not None else 0
        largest = sorted(sizes.items(), key=lambda each: -each[1][0])
        return [(None, f"{format_bytes(self._all):>8}  all layers")] + [
            (position, printable(f"{format_bytes(size):>8}  {self._named(position)}{_wasted(wasted)}"))
            for position, (size, wasted) in largest
        ]

    def _choose(self, layer: int | str | None) -> None:
        if layer != ChooseStep.LEFT:
            self._layer = layer if isinstance(layer, int) else None
            self._filter()

    def action_hide(self) -> None:
        if self._base is None:
            self.trouble = "Which layers are the base image's is not known: --base names it."
            self.show_texts()
        elif self._tree.complete:
            self._without_base = not self._without_base
            self._filter()

    def _filter(self) -> None:
        path, base = self.here.path, self._base or 0
        self._tree.only(
            lambda position: self._layer in (None, position) and (position >= base or not self._without_base)
        )
        self.here = self._tree.at(path)
        self.trouble = ""
        self.show()


def _key(thing: Place | Content) -> object:
    return key_of(thing) if isinstance(thing, Place) else (thing.up, thing.name, thing.position, thing.why)


def _wasted(size: int) -> str:
    return f" ({format_bytes(size)} of it wasted)" if size else ""
