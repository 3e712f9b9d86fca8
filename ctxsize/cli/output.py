"""Where a command's report goes, how it looks, and what the command shows while it works."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from typing import BinaryIO, TypeVar

from ctxsize.cli.errors import show_note
from ctxsize.errors import UsageError
from ctxsize.files.standard import unread
from ctxsize.files.write import replacing
from ctxsize.progress import Progress, Silent, Terminal, Verbose
from ctxsize.report.formats import drawing
from ctxsize.report.shared.look import Look
from ctxsize.warning import Warning

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Output:
    """What the user said about the output of a command that reports a ``result`` of report.formats.

    ``file`` is None where nothing was said: that is standard output, as is ``-``. ``rows``, ``null`` and
    ``listing`` as in Look. ``verbose`` and ``quiet`` are about what is shown on standard error.
    """

    result: str
    format: str
    file: str | None = None
    rows: int = 10
    null: bool = False
    listing: str = "auto"
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

    def first(
        self,
        measure: Callable[..., _Result],
        report: Callable[[_Result], object],
        warnings: Callable[[_Result], Iterable[Warning]],
    ) -> _Result:
        """Call ``measure`` with a ``progress`` and an ``on_result`` that reports, so that whoever asked has
        the result before what was made for it is removed from the engine. What could not be removed, the
        ``warnings`` that come afterwards, is told then."""
        told: set[Warning] = set()
        with self.progress() as progress:

            def on_result(result: _Result) -> None:
                told.update(warnings(result))
                progress.close()
                report(result)

            result = measure(progress=progress, on_result=on_result)
        for each in warnings(result):
            if each not in told:
                show_note(each.message)
        return result

    def report(self, *result: object) -> None:
        """Write the report where the user wants it. Raises UsageError when it can't be written there."""
        file = "-" if self.file is None else self.file
        look = Look(rows=self.rows, null=self.null, listing=self.listing)
        if file == "-" and sys.stdout.isatty():
            # no-color.org
            colour = not os.environ.get("NO_COLOR")
            look = replace(look, colour=colour, width=_width(), blocks=_shows_blocks())
        write(drawing(self.result, self.format)(*result, look), file)

    def plain(self, format: str, *result: object) -> str:
        """The same report in another format, without colours."""
        return "".join(drawing(self.result, format)(*result, Look(rows=self.rows, listing=self.listing)))


def _width() -> int | None:
    """How many columns the terminal has; None where it does not say. (shutil tells it, too, but is slow to
    import.)"""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def _shows_blocks() -> bool:
    """Whether the terminal shows more than ASCII, as far as the locale and TERM tell."""
    said = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    # Where nobody says anything, Python and terminals of today take UTF-8.
    unicode = not said or re.search("utf-?8", said, re.IGNORECASE) is not None
    term = os.environ.get("TERM", "")
    return unicode and term != "" and not term.startswith(("dumb", "linux", "unknown", "vt"))


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
