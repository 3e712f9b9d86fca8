"""Several reports of one result: files, what is printed, a job's summary."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import click

from ctxsize.cli.errors import show_failure, show_note
from ctxsize.errors import UsageError
from ctxsize.report.formats import FORMATS

if TYPE_CHECKING:
    from ctxsize.cli.output import Output


def further_report(result: str, word: str) -> tuple[str, str]:
    """``FORMAT=FILE`` as its two parts; a format of ``result``."""
    name, separator, file = word.partition("=")
    formats = FORMATS[result]
    if name not in formats or not separator or not file:
        raise click.BadParameter(f"{word!r}: write FORMAT=FILE; formats are {', '.join(formats)}")
    return name, file


def report_all(report: object, out: Output, further: list[tuple[str, str]]) -> int:
    """Write and print the reports; the exit code of what could not be.

    Files come first, so that nobody who reads what is printed, and goes away, keeps one from being written.
    """
    from ctxsize.cli.output import write_or_fail  # imports what --help does without

    failed: list[UsageError] = []
    printed: list[Callable[[], None]] = []
    if out.file in (None, "-"):
        printed.append(partial(out.report, report))
    else:
        further = [(out.format, str(out.file)), *further]
    for name, file in further:
        text = out.plain(name, report)
        show = partial(write_or_fail, text, "-")
        if file == "-":
            printed.append(show)
            continue
        try:
            write_or_fail(text, file)
        except UsageError as error:
            failed.append(error)
            printed.append(show)  # what took long to measure is not lost
    for each in printed:
        try:
            each()
        except UsageError as error:
            failed.append(error)
            break
    for failure in failed:
        show_failure(failure)
    return max((failure.exit_code for failure in failed), default=0)


def add_to_summary(report: object, out: Output) -> None:
    """Add to a job's summary on GitHub, which other steps may have written in. It is no reason to fail."""
    from ctxsize.files.write import append

    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    text = out.plain("markdown", report)
    try:
        append(file, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        show_note(f"{file}: the summary can't be written: {error.strerror}")
