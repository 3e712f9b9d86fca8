"""How a long measurement tells what it is doing: it calls a Progress, the command line shows it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TextIO

from ctxsize.text import printable
from ctxsize.units import format_bytes, format_left


class Progress(Protocol):
    """Is told what a measurement is doing; every method may be called very often."""

    def phase(self, name: str) -> None:
        """A new phase starts: ``scan``, ``build 2 of 7 (without)``, ``read images``…"""

    def note(self, text: str) -> None:
        """Something to know while it goes on: how long it will take."""

    def expect(self, *, size: int | None = None, seconds: float | None = None) -> None:
        """What is to come: bytes of this phase, seconds until all phases of its kind are over."""

    def sent(self, size: int) -> None:
        """``size`` bytes of context have gone to the engine so far in this build."""

    def read(self, size: int) -> None:
        """``size`` bytes of images have been read so far in this phase."""

    def removed(self, what: str, count: int, of: int, size: int, total: int) -> None:
        """``count`` of the ``of`` things called ``what`` are gone from the engine so far, ``size`` of their
        ``total`` bytes (0: not known, or none). Of each lot of things the first call is with 0."""

    def step(self, name: str) -> None:
        """The builder started a step."""

    def log(self, line: str) -> None:
        """A line of the builder's own output."""

    def close(self) -> None:
        """Nothing more will come, or something else is shown before the next phase."""


class Silent:
    """Says nothing: no terminal, ``--quiet``, or a Python caller who doesn't care."""

    def phase(self, name: str) -> None: ...

    def note(self, text: str) -> None: ...

    def expect(self, *, size: int | None = None, seconds: float | None = None) -> None: ...

    def sent(self, size: int) -> None: ...

    def read(self, size: int) -> None: ...

    def removed(self, what: str, count: int, of: int, size: int, total: int) -> None: ...

    def step(self, name: str) -> None: ...

    def log(self, line: str) -> None: ...

    def close(self) -> None: ...


class Terminal:
    """One line on a terminal, redrawn in place, also while nothing is told: then its seconds go on.

    ``clock`` gives seconds that only grow. Without ``ticking`` it is drawn only when something is told.
    """

    _REDRAW_SECONDS = 0.1
    #: A phase that has lasted this long shows for how long.
    _LONG_SECONDS = 2.0
    #: The time left is told once so many seconds show how fast bytes come.
    _FIRST_ESTIMATE = 1.0

    def __init__(
        self,
        stream: TextIO | None = None,
        width: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        ticking: bool = True,
    ) -> None:
        self._stream = stream or sys.stderr
        self._width = width
        self._clock = clock
        self._phase = self._detail = ""
        self._began = self._drawn = 0.0
        # What this phase is to move, when and how much there was of it first and last.
        self._size: int | None = None
        self._first: tuple[float, int] | None = None
        self._ends: float | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._ticks = self._ticking = ticking

    def phase(self, name: str) -> None:
        with self._lock:
            if self._over.is_set():  # closed, so that a report could be printed
                self._over, self._ticking = threading.Event(), self._ticks
            self._phase, self._detail, self._began = name, "", self._clock()
            self._size = self._first = self._ends = None
            self._draw(force=True)
        if self._ticking:
            self._ticking = False
            threading.Thread(target=self._tick, args=[self._over], name="progress", daemon=True).start()

    def expect(self, *, size: int | None = None, seconds: float | None = None) -> None:
        with self._lock:
            self._size = size
            self._ends = None if seconds is None else self._clock() + seconds
            self._draw()

    def note(self, text: str) -> None:
        with self._lock:
            self._write(f"\r\x1b[K{printable(text)}\n")

    def sent(self, size: int) -> None:
        self._moved("sending context", size)

    def read(self, size: int) -> None:
        self._moved("read", size)

    def removed(self, what: str, count: int, of: int, size: int, total: int) -> None:
        with self._lock:
            if not count:  # what is gone of other things says nothing of how fast these go
                self._first = None
            text = f"removed {count} of {of} {what}"
            if total:
                text += f", {format_bytes(size)} of {format_bytes(total)}"
            self._detail = text + (self._left(size, total) if total else self._left(count, of))
            self._draw(force=count in (0, of))

    def step(self, name: str) -> None:
        with self._lock:
            self._detail = name
            self._draw(force=True)

    def log(self, line: str) -> None: ...

    def close(self) -> None:
        with self._lock:
            self._over.set()
            self._write("\r\x1b[K")

    def _moved(self, what: str, size: int) -> None:
        with self._lock:
            text, left = f"{what}, {format_bytes(size)}", self._left(size, self._size or 0)
            if self._size and size <= self._size:
                text += f" of {format_bytes(self._size)}{left}"
            self._detail = text
            self._draw()

    def _left(self, done: int, total: int) -> str:
        """The time left until ``total``, as fast as what is ``done`` came; empty while nobody knows."""
        now = self._clock()
        if self._first is None or done < self._first[1]:
            self._first = (now, done)
        passed, moved = now - self._first[0], done - self._first[1]
        if self._ends is not None or done >= total or moved <= 0 or passed < self._FIRST_ESTIMATE:
            return ""
        return f", {format_left(passed / moved * (total - done))} left"

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(1.0):
            with self._lock:
                self._draw()

    def _draw(self, *, force: bool = False) -> None:
        now = self._clock()
        if self._over.is_set() or (not force and now - self._drawn < self._REDRAW_SECONDS):
            return
        self._drawn = now
        text = self._phase
        if self._ends is not None:
            text += f", about {format_left(max(self._ends - now, 1.0))} left"
        elif now - self._began >= self._LONG_SECONDS:
            text += f", {format_left(now - self._began)}"
        text = printable(f"{text}: {self._detail}" if self._detail else f"{text} …")
        self._write(f"\r\x1b[K{text[: self._columns() - 1]}")

    def _columns(self) -> int:
        if self._width is not None:
            return self._width
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Verbose:
    """Every phase and every line of the builder's log, one below the other."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def phase(self, name: str) -> None:
        self._line(f"== {name}")

    def note(self, text: str) -> None:
        self._line(f"== {text}")

    def expect(self, *, size: int | None = None, seconds: float | None = None) -> None: ...

    def sent(self, size: int) -> None: ...

    def read(self, size: int) -> None: ...

    def removed(self, what: str, count: int, of: int, size: int, total: int) -> None: ...

    def step(self, name: str) -> None:
        self._line(f"-> {name}")

    def log(self, line: str) -> None:
        # The bar keeps a step from giving commands to a CI that reads them in a job's log (`::add-mask::x`).
        self._line(f"   | {line}")

    def close(self) -> None: ...

    def _line(self, text: str) -> None:
        print(printable(text), file=self._stream, flush=True)


class Removal:
    """Tells of things that go one by one: called with each that is gone."""

    def __init__(self, progress: Progress, what: str, sizes: Mapping[str, int | None]) -> None:
        """``sizes`` are the bytes of each, by what it is called with; None where they are not known."""
        self._progress = progress
        self._what = what
        self._left = dict(sizes)
        self._of, self._size = len(self._left), 0
        self._total = sum(size or 0 for size in self._left.values())
        if self._left:
            self._tell()

    def __call__(self, gone: str) -> None:
        if gone in self._left:
            self._size += self._left.pop(gone) or 0
            self._tell()

    def _tell(self) -> None:
        self._progress.removed(self._what, self._of - len(self._left), self._of, self._size, self._total)
