"""``ctxsize suggest``: rules worth adding to an ignore file, each proven by a build; and the lines about it
with which ``compare`` ends where there is no ignore file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.errors import exit_for, show_failures
from ctxsize.cli.options import (
    BUILDER,
    PATH,
    build_options,
    configured,
    format_option,
    output_options,
    seconds_option,
    top_option,
    verify_options,
)
from ctxsize.errors import CtxsizeError

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions
    from ctxsize.suggest.types import SuggestMeasurement

_EPILOG = """\b
Examples:
  ctxsize suggest                      what is worth ignoring here, proven by builds
  ctxsize suggest --static             the same without an engine, and without the proof
  ctxsize suggest --verify 'python -c "import main"'
  ctxsize suggest --diff               what --write would change
  ctxsize suggest --write              add the proven rules to the ignore file
  ctxsize suggest --format dockerignore >> .dockerignore
  ctxsize suggest --allowlist          ignore everything but what COPY takes
"""


def _size(_context: click.Context, _option: Any, text: str | None) -> int | None:
    """A size of the command line in bytes."""
    if text is None:
        return None
    from ctxsize.budget.sizes import AmountError, parse_bytes

    try:
        return 0 if text.strip() == "0" else parse_bytes(text)
    except AmountError as error:
        raise click.BadParameter(str(error)) from None


@click.command(epilog=_EPILOG)
@PATH
@build_options()
@BUILDER
@click.option(
    "--static", is_flag=True, help="Build nothing: show the candidates and their evidence, unproven."
)
@verify_options(
    "Run CMD in a container of each image that is tried, like a RUN line; it must exit with code 0."
)
@click.option(
    "--max-builds",
    type=click.IntRange(min=2),
    default=12,
    show_default=True,
    metavar="N",
    help="Make at most N builds to find and prove the rules.",
)
@seconds_option(
    "--max-time", "Start no more builds once they would exceed this time, counted from the start."
)
@click.option(
    "--min-bytes",
    callback=_size,
    metavar="SIZE",
    help="Leave out rules that keep out less than this (default: 1MB, or 1% of a context below 100MB).",
)
@click.option(
    "--repeat",
    type=click.IntRange(min=0),
    metavar="N",
    help="Time N builds each before and after (default: 3 where a build takes less than 10 seconds).",
)
@click.option(
    "--cache-cost",
    is_flag=True,
    help="Also measure what a change to what the rules keep out costs in the next build.",
)
@click.option(
    "--allowlist",
    is_flag=True,
    help="Propose to ignore everything but what COPY and ADD take, where none takes the whole context.",
)
@click.option(
    "--write", is_flag=True, help="Add the proven rules to the ignore file; create it if there is none."
)
@click.option("--diff", is_flag=True, help="Show what --write would change: the same as --format diff.")
@top_option("Show at most N rules of each kind in the tables; 0 shows all.")
@format_option("suggestion")
@output_options("suggestion")
def suggest(
    build: BuildOptions,
    out: Output,
    verify: VerifyCommand | None,
    diff: bool,
    **asked: Any,
) -> None:
    """Find rules that are worth adding to the ignore file of the project at PATH, and prove each by a build.

    A rule is proposed when the image builds without what it keeps out, is otherwise the same, and passes
    --verify. Nothing is written in PATH without --write, and nothing is left on the engine.
    """
    # Imported here so that commands without an engine start fast.
    from dataclasses import replace
    from functools import partial

    static = asked.pop("static")
    if static and (asked["write"] or asked["allowlist"] or verify is not None):
        raise click.UsageError("--static proves nothing: it goes without --write, --allowlist and --verify")
    project = configured(asked["path"])
    build = project.fill(asked, build)
    if diff:
        out = replace(out, format="diff")
    if static:
        from ctxsize.ignore.types import Dialect
        from ctxsize.suggest.static import suggest_static

        with out.progress() as progress:
            found = suggest_static(
                asked["path"],
                dockerfile=asked["dockerfile"],
                dialect=Dialect.of_builder(asked["builder"]),
                options=build,
                min_bytes=asked["min_bytes"],
                progress=progress,
            )
        out.report(found.suggestion)
        return
    from ctxsize.api import suggest as measure

    def report(measured: SuggestMeasurement) -> None:
        out.report(measured.suggestion)
        show_failures(measured.failures.items())

    measurement = out.first(
        partial(measure, options=build, verify=verify, **asked),
        report,
        lambda measured: measured.suggestion.warnings,
    )
    exit_for(measurement.failures.items())


def hint_at_suggest(
    out: Output, build: BuildOptions, path: str, dockerfile: str | None, builder: str
) -> None:
    """Print what is worth ignoring in a project without an ignore file, and the command that proves it, below
    a table on standard output. What can't be said is no trouble of the command that asks."""
    if out.format != "table" or out.quiet or out.file not in (None, "-"):
        return
    from ctxsize.cli.output import write
    from ctxsize.ignore.types import Dialect
    from ctxsize.report.suggestion.words import found_without_an_engine
    from ctxsize.suggest.static import suggest_static

    dialect = Dialect.of_builder(builder)
    try:
        found = suggest_static(path, dockerfile=dockerfile, dialect=dialect, options=build).suggestion
    except CtxsizeError:
        return
    write("".join(f"{line}\n" for line in ("", *found_without_an_engine(found))), "-")
