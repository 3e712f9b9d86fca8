"""``ctxsize cache``: what a change to a path costs in rebuild time, with and without the ignore file."""

from __future__ import annotations

from functools import partial
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
    repeat_option,
    seconds_option,
    top_option,
)

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions
    from ctxsize.rebuild.types import RebuildMeasurement

_EPILOG = """\b
Examples:
  ctxsize cache                     what a commit, a new log line, a changed source file cost
  ctxsize cache --top 0 --repeat 5  every ignored path, steadier times
  ctxsize cache --format json -o cache.json services/api
"""


@click.command(epilog=_EPILOG)
@PATH
@build_options(cached=True)
@BUILDER
@repeat_option("Time N builds after each change.")
@seconds_option(
    "--max-time",
    "Start no more builds once they would exceed this time, counted from the start. Each variant is built at"
    " least twice in any case.",
)
@top_option("Measure the N largest ignored paths and N COPY instructions; 0 measures all.", "top", 5)
@format_option("cache")
@output_options("cache")
def cache(build: BuildOptions, out: Output, **asked: Any) -> None:
    """Measure what a change costs in the next build of the project at PATH.

    Builds it, then builds it again after one change at a time: a commit, one more byte in an ignored
    directory, a changed source file. Shows which steps run again, what is sent again and how long that
    takes, with and without the ignore file. The changes exist only in what is sent to the engine: nothing
    is written in PATH.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import cache as measure

    project = configured(asked["path"])
    build = project.fill(asked, build)

    def report(measured: RebuildMeasurement) -> None:
        out.report(measured.cost)
        show_failures(measured.failures)

    measurement = out.first(
        partial(measure, options=build, **asked), report, lambda measured: measured.cost.warnings
    )
    exit_for(measurement.failures)
