"""``ctxsize compare``: build with and without the ignore file, and say what it saves."""

from __future__ import annotations

import click

from ctxsize.cli.errors import show_failure
from ctxsize.cli.options import (
    BUILDER,
    PATH,
    build_options,
    given_build_options,
    make_progress,
    output_options,
    use_colour,
    write_report,
)
from ctxsize.errors import Interrupted

_EPILOG = """\b
Examples:
  ctxsize compare                          the project in this directory
  ctxsize compare services/api --repeat 9  steadier times
  ctxsize compare --exact 3                the time of the three largest paths by builds of their own
  ctxsize compare --verify 'python -c "import main"'
  ctxsize compare --format json -o ctxsize.json
  ctxsize compare -f docker/Dockerfile.prod --build-arg VERSION=1.2 .
"""


@click.command(epilog=_EPILOG)
@PATH
@build_options
@BUILDER
@click.option("--repeat", type=click.IntRange(min=1), metavar="N", help="Timed builds of each variant.")
@click.option(
    "--exact",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Measure the build time of the N largest ignored paths by builds of their own, not by their share.",
)
@click.option(
    "--max-time",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Start no build that would not end within this time, beyond one of each variant.",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Rows in the tables of paths and rules; 0 shows all.",
)
@click.option("--keep", is_flag=True, help="Keep both images and print their tags.")
@click.option(
    "--verify",
    metavar="CMD",
    help="Run CMD in a container of each image, as a RUN line would be: both must end with exit code 0.",
)
@click.option("--verify-network", is_flag=True, help="Let CMD of --verify reach the network.")
@click.option(
    "--verify-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop CMD of --verify after this time.",
)
@click.option(
    "--cache-cost",
    is_flag=True,
    help="Measure what a change to each of the 5 largest ignored paths costs in the next build.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "markdown", "csv"]),
    default="table",
    show_default=True,
    help="How to report.",
)
@output_options
def compare(
    path: str,
    dockerfile: str | None,
    target: str | None,
    build_args: tuple[str, ...],
    platform: str | None,
    labels: tuple[str, ...],
    network: str | None,
    secrets: tuple[str, ...],
    ssh: tuple[str, ...],
    pull: bool,
    no_cache: bool,
    builder: str,
    repeat: int | None,
    exact: int,
    max_time: float | None,
    top: int,
    keep: bool,
    verify: str | None,
    verify_network: bool,
    verify_timeout: float,
    cache_cost: bool,
    format_: str,
    output: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Build the project at PATH twice, with and without its .dockerignore, and compare.

    Measures build context, image and build time of both on your Docker engine, and attributes the
    difference to the ignored paths and the rules that ignore them. Nothing is written in PATH and
    nothing is left on the engine.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import compare as measure
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.rebuild.cache import DEFAULT_TOP
    from ctxsize.report.comparison.formats import COMPARISON_FORMATS
    from ctxsize.report.shared.style import Style

    if verify is not None and not verify.strip():
        raise click.UsageError("--verify needs a command")
    options = given_build_options(
        target=target,
        build_args=build_args,
        platform=platform,
        labels=labels,
        network=network,
        pull=pull,
        no_cache=no_cache,
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
            repeat=repeat,
            exact=exact,
            max_time=max_time,
            keep=keep,
            verify=None if verify is None else VerifyCommand(verify, verify_network, verify_timeout),
            cache_cost=DEFAULT_TOP if cache_cost else 0,
            progress=progress,
        )
    finally:
        progress.close()
    style = Style(colour=use_colour(output), top=top)
    write_report(COMPARISON_FORMATS[format_](measurement.comparison, style), output)
    if any(isinstance(failure, Interrupted) for failure in measurement.failures.values()):
        raise KeyboardInterrupt
    if (
        len({str(failure) for failure in measurement.failures.values()}) == 1
        and len(measurement.failures) > 1
    ):
        show_failure(next(iter(measurement.failures.values())))  # both variants fail the same way
    else:
        for variant, failure in measurement.failures.items():
            show_failure(failure, variant=variant)
    if measurement.failures:
        raise SystemExit(max(failure.exit_code for failure in measurement.failures.values()))
