"""Standard input, output and error as a program that judges needs them.

Nobody has to read what it prints: a reader that goes away (``| head``), a closed or full standard error must
neither end the work nor change the exit code. Only standard output that can't take what was asked for is an
error, and one that is raised once.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

_STDIN, _STDOUT, _STDERR = 0, 1, 2
# A closed one is taken by something that fails as it would have: else a file that is opened later gets its
# number, and what is printed. Messages may be lost; what is read or reported may not, unsaid.
_IN_PLACE = {_STDIN: os.O_WRONLY, _STDOUT: os.O_RDONLY, _STDERR: os.O_WRONLY}


class OutputError(OSError):
    """Standard output can't be written to."""


class _Output(io.FileIO):
    """Standard output. ``unread``: whoever read it has gone, or it failed, and what is written is dropped."""

    unread = False

    def write(self, data: Any, /) -> int:
        if not self.unread:
            try:
                return super().write(data)
            except BrokenPipeError:
                self.unread = True
            except OSError as error:
                self.unread = True
                raise OutputError(error.errno, error.strerror) from error
        return memoryview(data).nbytes


class _Messages(io.FileIO):
    """Standard error. What can't be written is dropped."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Make the three what the module says, for this process."""
    for number, flags in _IN_PLACE.items():
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(_STDIN, "r", closefd=False)))
    sys.stdout = _text(_Output(_STDOUT, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Messages(_STDERR, "w", closefd=False), sys.stderr, errors="backslashreplace")


def unread() -> bool:
    """Whether what is written to standard output from here on is dropped."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, _Output) and raw.unread


def _text(raw: io.FileIO, before: TextIO | None, errors: str | None = None) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before is not None else "utf-8",
        errors=errors or (before.errors if before is not None else "surrogateescape"),
        line_buffering=errors is not None or raw.isatty(),
        write_through=isinstance(before, io.TextIOWrapper) and before.write_through,
    )
