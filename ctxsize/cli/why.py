"""``ctxsize why``: which line of the ignore file decides a path, and which others match."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import click

from ctxsize.cli.options import DIALECT, build_options, configured, format_option, output_options
from ctxsize.errors import UsageError

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions
    from ctxsize.survey.why import Answer

_CHUNK = 1 << 16

_EPILOG = """\b
Exit codes: 0 all paths are ignored, 1 at least one is kept, 2 wrong usage or a path outside the context.

\b
Examples:
  ctxsize why node_modules/left-pad/index.js
  ctxsize why --context services/api src/main.py .env
  git ls-files -z | ctxsize why --stdin -0
  ctxsize why .env >/dev/null || echo "the build can see .env"
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "--context",
    "directory",
    type=click.Path(file_okay=False),
    default=".",
    metavar="DIR",
    help="The build context (default: the current directory).",
)
@build_options("contexts")
@DIALECT
@click.option("--stdin", is_flag=True, help="Read the paths from standard input, one per line.")
@click.option("-0", "--null", "records", is_flag=True, help="Paths on standard input end with a null byte.")
@format_option("why")
@output_options("why", "file")
def why(
    paths: tuple[str, ...],
    directory: str,
    dockerfile: str | None,
    builder: str,
    stdin: bool,
    records: bool,
    build: BuildOptions,
    out: Output,
) -> None:
    """Say which line of the ignore file decides each PATH, and which other lines match it.

    A PATH is relative to the current directory or to the context, or NAME:PATH in a named context. It need
    not exist.
    """
    # Imported here so that other commands start without it.
    from ctxsize.ignore.types import Dialect
    from ctxsize.named.open import open_named
    from ctxsize.project import open_project
    from ctxsize.survey.why import asked_path, why_all

    if stdin == bool(paths):
        raise click.UsageError("name paths, or read them with --stdin" + (", not both" if stdin else ""))
    if records and not stdin:
        raise click.UsageError("--null is for --stdin")
    target = configured(directory)
    dialect = Dialect.of_builder(target.builder_under(builder))
    project = open_project(
        directory, dockerfile=dockerfile or target.dockerfile, dialect=dialect, required=False
    )
    project = open_named(project, target.under(build).contexts)
    # Paths on the command line are all looked at first: a wrong one leaves no half report.
    given = _records(sys.stdin.buffer, b"\0" if records else b"\n") if stdin else paths
    asked = (asked_path(project, text, given=directory) for text in given)
    seen = _Seen(why_all(project, asked if stdin else list(asked)))
    try:
        out.report(project, seen)
        # Whoever read our output may have gone before the end.
        raise SystemExit(1 if seen.kept or any(answer.verdict != "ignored" for answer in seen) else 0)
    except _Unreadable as error:
        raise UsageError(f"can't be read: {error}", where="standard input") from error


class _Unreadable(Exception):
    """Standard input gives an error; not an OSError, which is about the report."""


class _Seen:
    """Passes answers on and remembers whether any was other than ignored."""

    def __init__(self, answers: Iterator[Answer]) -> None:
        self._answers = answers
        self.kept = False

    def __iter__(self) -> Iterator[Answer]:
        for answer in self._answers:
            self.kept = self.kept or answer.verdict != "ignored"
            yield answer


def _records(stream: BinaryIO, end: bytes) -> Iterator[str]:
    """What ``stream`` holds, cut at ``end``; empty records are left out."""
    rest = b""
    while chunk := _read(stream):
        *records, rest = (rest + chunk).split(end)
        yield from (os.fsdecode(record) for record in records if record)
    if rest:
        yield os.fsdecode(rest)


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(_CHUNK)
    except OSError as error:
        raise _Unreadable(error.strerror) from error
