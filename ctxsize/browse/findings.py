"""What lint finds in a draft, and which of that the file does not have: asked beside the screen."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ctxsize.browse.jobs import Found, LintJob, Worker
from ctxsize.text import printable

_NOT_YET = "looking …"


class Findings:
    """``told`` is called, in a thread, when there is something new to show."""

    def __init__(self, job: LintJob, told: Callable[[], None]) -> None:
        self._job = job
        self._told = told
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._busy = False
        self._next: bytes | None = None
        self._first: Found | None = None
        self._last: Found | None = None

    def ask(self, data: bytes) -> None:
        """Have a draft linted; of several that come while one is, only the last."""
        with self._lock:
            if self._last is not None and self._last.data == data and not self._busy:
                return
            if self._worker is None:
                self._worker = Worker(self._job, self._answered)
            self._next = data
            self._go()

    @property
    def quiet(self) -> bool:
        """Whether all that was asked is answered."""
        with self._lock:
            return not self._busy and self._next is None and self._last is not None

    def begin(self) -> None:
        """What is found now is what later drafts are compared with."""
        with self._lock:
            self._first = self._last

    def close(self) -> None:
        """Nothing more is asked."""
        if self._worker is not None:
            self._worker.close()

    def line(self, data: bytes) -> str:
        """What is said of a draft beside its effect; empty where that is nothing."""
        new, gone, trouble = self._difference(data)
        if trouble or not (new or gone):
            return "" if trouble in ("", _NOT_YET) else f"\nlint: {printable(trouble)}"
        said = [f"{len(new)} new: {'; '.join(new)}"] if new else []
        said += [f"{len(gone)} gone: {'; '.join(gone)}"] if gone else []
        return f"\nlint: {', '.join(said)}"

    def text(self, data: bytes) -> str:
        """All that lint finds in a draft, what is new and what is gone marked."""
        new, gone, trouble = self._difference(data)
        if trouble:
            return f"lint: {printable(trouble)}"
        assert self._last is not None
        lines = [
            f"{'+' if text in new else ' '} {text}" for text in map(printable, self._last.texts.values())
        ] + [f"- {text}" for text in gone]
        return "\n".join(lines) or "lint finds nothing."

    def _difference(self, data: bytes) -> tuple[list[str], list[str], str]:
        first, last = self._first, self._last
        if first is None or last is None or last.data != data:
            return [], [], _NOT_YET
        if first.trouble or last.trouble:
            return [], [], last.trouble or first.trouble
        new = [printable(text) for key, text in last.texts.items() if key not in first.texts]
        gone = [printable(text) for key, text in first.texts.items() if key not in last.texts]
        return new, gone, ""

    def _go(self) -> None:
        if self._next is not None and not self._busy and self._worker is not None:
            self._busy = True
            self._worker.ask(self._next)
            self._next = None

    def _answered(self, found: Found | None) -> None:
        if found is None:
            return
        with self._lock:
            self._first = self._first or found
            self._last = found
            self._busy = False
            self._go()
        self._told()
