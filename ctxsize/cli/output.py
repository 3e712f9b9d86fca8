"""Where a command's report goes, how it looks, and what the command shows while it works."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from ctxsize.errors import UsageError
from ctxsize.files.standard import unread
from ctxsize.files.write import replacing
from ctxsize.progress import Progress, Silent, Terminal, Verbose
from ctxsize.report.formats import drawing
from ctxsize.report.shared.look import Look


@dataclass(frozen=True, slots=True)
class Output:
    """What the user said about the output of a command that reports a ``result`` of report.formats.

    ``file`` is None where nothing was said: that is standard output, as is ``-``. ``rows`` and ``null`` as
    in Look. ``verbose`` and ``quiet`` are about what is shown on standard error.
    """

    result: str
    format: str
    file: str | None = None
    rows: int = 10
    null: bool = False
    quiet: bool = False
    verbose: bool = False

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Shows the work on standard error: nothing unless that is a terminal or everything is asked for."""
        shown = make_progress(quiet=self.quiet, verbose=self.verbose)
        try:
            yield shown
        finally:
            shown.close()

    def report(self, *result: object) -> None:
        """Write the report where the user wants it. Raises UsageError when it can't be written there."""
        file = "-" if self.file is None else self.file
        # A terminal, and no NO_COLOR (no-color.org).
        colour = file == "-" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        look = Look(colour=colour, rows=self.rows, null=self.null)
        write(drawing(self.result, self.format)(*result, look), file)

    def plain(self, format: str, *result: object) -> str:
        """The same report in another format, without colours."""
        return "".join(drawing(self.result, format)(*result, Look(rows=self.rows)))


def make_progress(*, quiet: bool, verbose: bool) -> Progress:
    """What shows the work."""
    if verbose and not quiet:
        return Verbose()
    return Silent() if quiet or not sys.stderr.isatty() else Terminal()


def write(report: str | Iterator[str], file: str) -> None:
    """Write a report, whole or in pieces, to ``file``, or to standard output for ``-``.

    Surrogates become the bytes they stand for. A file is written whole or not at all, and never through a
    link (ctxsize.files.write). Raises UsageError when it can't be written; a whole report, which may have
    taken long to measure, then goes to standard output.
    """
    try:
        write_or_fail(report, file)
    except UsageError:
        if isinstance(report, str) and file != "-":
            write_or_fail(report, "-")
        raise


def write_or_fail(report: str | Iterator[str], file: str) -> None:
    """``write``, without standard output in the place of a file."""
    pieces = iter([report]) if isinstance(report, str) else report
    first = next(pieces, "")  # an early failure leaves nothing open
    try:
        with _opened(file) as stream:
            for piece in chain([first], pieces):
                stream.write(piece.encode("utf-8", "surrogateescape"))
                if file == "-" and unread():
                    break
            stream.flush()
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=file) from error


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file != "-":
        return replacing(file)
    sys.stdout.flush()
    return nullcontext(sys.stdout.buffer)
