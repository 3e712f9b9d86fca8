"""Building a draft and proving it, watched on a screen of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ctxsize.browse.jobs import Doing, ProofJob, Worker
from ctxsize.errors import CtxsizeError
from ctxsize.report.shared.times import interval
from ctxsize.report.suggestion.words import PROOFS
from ctxsize.suggest.draft import DraftProof
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds


class Proving(ModalScreen[None]):
    """Runs a proof. Escape has it stop, and what it has made is removed before the screen goes."""

    DEFAULT_CSS = """
    Proving { align: center middle; }
    Proving > VerticalScroll { width: 90%; max-width: 100; height: auto; max-height: 80%;
      border: round $primary; padding: 1 2; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "leave", "stop, or leave")]

    def __init__(self, job: ProofJob) -> None:
        super().__init__()
        self._job = job
        self._worker: Worker | None = None
        self._over = False
        self._stopping = False
        self._said = "starting …"

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="proof")

    def on_mount(self) -> None:
        self._worker = Worker(self._job, self._told)
        self._draw()

    def on_unmount(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def action_leave(self) -> None:
        if self._over:
            self.dismiss()
        elif self._worker is not None:
            self._stopping = True
            self._worker.close()
            self._draw()

    def _told(self, what: Any) -> None:
        if self.app.is_running:
            self.app.call_from_thread(self._take, what)

    def _take(self, what: Any) -> None:
        if isinstance(what, Doing):
            self._said = printable(what.text)
        elif isinstance(what, DraftProof):
            self._said = proof_text(what)
        elif isinstance(what, CtxsizeError):
            log = "".join(f"\n  {printable(line)}" for line in getattr(what, "log", ())[-10:])
            self._said = f"{printable(str(what))}{log}"
        elif what is None:
            self._over = True
            if self._stopping:
                self._said = "Stopped. Nothing is left on the engine."
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        end = "Escape leaves" if self._over else "Escape stops"
        if self._stopping and not self._over:
            end = "stopping: what was made is removed …"
        self.query_one("#proof", Static).update(Text(f"{self._said}\n\n{end}"))


def proof_text(proof: DraftProof) -> str:
    """What a proof has shown."""
    lines = [f"Proof: {PROOFS[proof.proof]}" + (f"; {printable(proof.reason)}" if proof.reason else "")]
    lines.append(f"context  {_saved(proof.context_bytes)}" + _files(proof.context_files))
    lines.append(f"image    {_saved(proof.image_bytes)}")
    seconds = proof.seconds
    if seconds is None:
        lines.append("seconds  not measured")
    elif seconds.significant is False:
        lines.append("seconds  no measurable difference")
    else:
        word = "less" if seconds.median >= 0 else "more"
        least, most = seconds.low, seconds.high
        if least is not None and most is not None:
            least, most = sorted((abs(least), abs(most)))
        text = f"{format_seconds(abs(seconds.median))} {word} per build ({interval(least, most)})"
        lines.append(f"seconds  {text}")
    lines.append(f"{proof.builds} builds, and {proof.timed_builds} that were timed; nothing of them is left")
    return "\n".join([*lines, *(f"note: {printable(each.message)}" for each in proof.warnings)])


def _saved(size: int | None) -> str:
    if size is None:
        return "not known"
    return f"{format_bytes(abs(size))} {'less' if size >= 0 else 'more'}"


def _files(count: int | None) -> str:
    return "" if not count else f" in {abs(count)} files"
