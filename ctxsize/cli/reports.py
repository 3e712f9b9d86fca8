"""Several reports of one result: files, what is printed, a job's summary, a page. And ``ctxsize report``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.errors import show_failure, show_note
from ctxsize.errors import UsageError
from ctxsize.report.formats import FORMATS

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions
    from ctxsize.survey.tree import Leaf


_EPILOG = """\b
Examples:
  ctxsize compare --format json -o now.json && ctxsize report now.json -o now.html
  ctxsize report before.json after.json -o change.html
  ctxsize context --depth 9 --format json | ctxsize report - -o context.html
"""
#: Bytes of a report.
_MOST = 256 << 20
_JSON = click.Path(dir_okay=False, allow_dash=True)
HTML = click.option(
    "--html",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Also write the report to FILE as one HTML page, with a map of the tree"
    " (needs `pip install 'ctxsize[html]'`).",
)


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


def needs_pages(html: str | None) -> None:
    """Raise UsageError now, before anything is measured, when a page can't be made."""
    if html is not None:
        from ctxsize.report.page.render import template

        template()


def write_page(
    out: Output,
    result: object,
    html: str | None,
    build: BuildOptions,
    path: str,
    dockerfile: Any,
    builder: str,
) -> None:
    """Write the page of ``result`` to the file ``html``, None: nowhere. The options are those it was made
    with. Raises UsageError when the page can't be made or written."""
    if html is None:
        return
    from ctxsize.cli.output import write_or_fail
    from ctxsize.errors import CtxsizeError
    from ctxsize.ignore.types import Dialect
    from ctxsize.report.page.documents import page_of
    from ctxsize.survey.tree import file_tree

    document = json.loads(out.plain("json", result))
    files: Iterator[Leaf] = file_tree(
        path,
        dockerfile=dockerfile,
        target=build.target,
        build_args={name: value for name, value in build.build_args.items() if value is not None},
        platform=build.platform,
        dialect=Dialect.of_builder(builder),
    )
    try:
        text = page_of(document, html, files)
    except CtxsizeError as error:
        show_note(f"the map in {html} has no single files: {error}")
        text = page_of(document, html)
    write_or_fail(text, html)


@click.command(epilog=_EPILOG)
@click.argument("report", type=_JSON, metavar="A.json")
@click.argument("after", type=_JSON, metavar="[B.json]", required=False)
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    show_default="-, standard output",
    metavar="FILE",
    help="Write the page to FILE.",
)
def report(report: str, after: str | None, file: str) -> None:
    """Make one HTML page of a report in JSON, or of what changed between two.

    A.json and B.json are what compare, context, image, check and lint write with --format json; - is standard
    input. The page needs nothing else and asks nobody for anything (needs `pip install 'ctxsize[html]'`).
    """
    # Imported here so that other commands start without it.
    from ctxsize.cli.output import write
    from ctxsize.report.page.documents import page_of, page_of_two, read

    document = read(report_bytes(report), report)
    if after is None:
        write(page_of(document, report), file)
    else:
        write(page_of_two(document, read(report_bytes(after), after), after), file)


def report_bytes(file: str) -> bytes:
    """The bytes of the report in ``file``, ``-``: standard input.

    Raises UsageError when it can't be read, or is far too large for one.
    """
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_MOST + 1)
        else:
            with open(file, "rb") as stream:
                data = stream.read(_MOST + 1)
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=file) from error
    if len(data) > _MOST:
        raise UsageError(f"has more than {_MOST >> 20} MiB, which no report has", where=file)
    return data
