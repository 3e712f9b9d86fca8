"""``ctxsize cache``: what a change to a path costs in rebuild time, with and without the ignore file."""

from __future__ import annotations

import click

from ctxsize.cli.errors import show_failure
from ctxsize.cli.options import (
    BUILDER,
    PATH,
    given_build_options,
    make_progress,
    output_options,
    rebuild_options,
    use_colour,
    write_report,
)

_EPILOG = """\b
Examples:
  ctxsize cache                     what a commit, a new log line, a changed source file cost
  ctxsize cache --top 0 --repeat 5  every ignored path, steadier times
  ctxsize cache --format json -o cache.json services/api
"""


@click.command(epilog=_EPILOG)
@PATH
@rebuild_options
@BUILDER
@click.option("--repeat", type=click.IntRange(min=1), metavar="N", help="Builds after each change.")
@click.option(
    "--max-time",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Start no build that would not end within this time, beyond two of each variant.",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="Ignored paths (the largest), and COPY instructions, that are measured; 0 measures all.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to report.",
)
@output_options
def cache(
    path: str,
    dockerfile: str | None,
    target: str | None,
    build_args: tuple[str, ...],
    platform: str | None,
    labels: tuple[str, ...],
    network: str | None,
    secrets: tuple[str, ...],
    ssh: tuple[str, ...],
    builder: str,
    repeat: int | None,
    max_time: float | None,
    top: int,
    format_: str,
    output: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Measure what a change costs in the next build of the project at PATH.

    Builds it, then builds it again after one change at a time: a commit, one more byte in an ignored
    directory, a changed source file. Which steps run again, what is sent again, and how long that takes,
    with and without the ignore file. The changes exist only in what is sent to the engine: nothing is
    written in PATH.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import cache as measure
    from ctxsize.report.cache import CACHE_FORMATS
    from ctxsize.report.shared.style import Style

    options = given_build_options(
        target=target,
        build_args=build_args,
        platform=platform,
        labels=labels,
        network=network,
        secrets=secrets,
        ssh=ssh,
    )
    progress = make_progress(quiet=quiet, verbose=verbose)
    try:
        measurement = measure(
            path,
            dockerfile=dockerfile,
            builder=builder,
            options=options,
            top=top,
            repeat=repeat,
            max_time=max_time,
            progress=progress,
        )
    finally:
        progress.close()
    write_report(CACHE_FORMATS[format_](measurement.cost, Style(colour=use_colour(output))), output)
    for variant, failure in measurement.failures:
        show_failure(failure, variant=variant)
    if measurement.failures:
        raise SystemExit(max(failure.exit_code for _, failure in measurement.failures))
