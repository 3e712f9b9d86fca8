"""How a long measurement tells what it is doing: it calls a Progress, the command line shows it."""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO

from ctxsize.text import printable
from ctxsize.units import format_bytes


class Progress(Protocol):
    """Is told what a measurement is doing; every method may be called very often."""

    def phase(self, name: str) -> None:
        """A new phase starts: ``scan``, ``build 2 of 7 (without)``, ``read images``…"""

    def note(self, text: str) -> None:
        """Something to know while it goes on: how long it will take."""

    def sent(self, size: int) -> None:
        """``size`` bytes of context have gone to the engine so far in this build."""

    def step(self, name: str) -> None:
        """The builder started a step."""

    def log(self, line: str) -> None:
        """A line of the builder's own output."""

    def close(self) -> None:
        """Nothing more will come."""


class Silent:
    """Says nothing: no terminal, ``--quiet``, or a Python caller who doesn't care."""

    def phase(self, name: str) -> None: ...

    def note(self, text: str) -> None: ...

    def sent(self, size: int) -> None: ...

    def step(self, name: str) -> None: ...

    def log(self, line: str) -> None: ...

    def close(self) -> None: ...


class Terminal:
    """One line on a terminal, redrawn in place."""

    _REDRAW_SECONDS = 0.1

    def __init__(self, stream: TextIO | None = None, width: int = 78) -> None:
        self._stream = stream or sys.stderr
        self._width = width
        self._phase = ""
        self._drawn = 0.0

    def phase(self, name: str) -> None:
        self._phase = name
        self._draw("", force=True)

    def note(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{printable(text)}\n")
        self._stream.flush()

    def sent(self, size: int) -> None:
        self._draw(f"sending context, {format_bytes(size)}")

    def step(self, name: str) -> None:
        self._draw(name, force=True)

    def log(self, line: str) -> None: ...

    def close(self) -> None:
        self._stream.write("\r\x1b[K")
        self._stream.flush()

    def _draw(self, detail: str, *, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._drawn < self._REDRAW_SECONDS:
            return
        self._drawn = now
        text = printable(f"{self._phase}: {detail}" if detail else f"{self._phase} …")
        self._stream.write(f"\r\x1b[K{text[: self._width]}")
        self._stream.flush()


class Verbose:
    """Every phase and every line of the builder's log, one below the other."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def phase(self, name: str) -> None:
        self._line(f"== {name}")

    def note(self, text: str) -> None:
        self._line(f"== {text}")

    def sent(self, size: int) -> None: ...

    def step(self, name: str) -> None:
        self._line(f"-> {name}")

    def log(self, line: str) -> None:
        # The bar keeps a step from giving commands to a CI that reads them in a job's log (`::add-mask::x`).
        self._line(f"   | {line}")

    def close(self) -> None: ...

    def _line(self, text: str) -> None:
        print(printable(text), file=self._stream, flush=True)
