"""``ctxsize compare``: build with and without the ignore file, and say what it saves."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.errors import exit_for, show_failure, show_failures
from ctxsize.cli.lint import hint_at_lint
from ctxsize.cli.options import (
    BUILDER,
    build_options,
    configured,
    format_option,
    jobs_option,
    output_options,
    repeat_option,
    seconds_option,
    top_option,
    verify_options,
)
from ctxsize.cli.reports import HTML, needs_pages, write_page
from ctxsize.cli.suggest import hint_at_suggest
from ctxsize.errors import CtxsizeError

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.comparison.types import Measurement
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions

_EPILOG = """\b
Examples:
  ctxsize compare                          the project in this directory
  ctxsize compare services/api --repeat 9  steadier times
  ctxsize compare services/* --jobs 4      several projects, without build times
  ctxsize compare --exact 3                time the three largest paths with dedicated builds
  ctxsize compare --verify 'python -c "import main"'
  ctxsize compare --format json -o ctxsize.json
  ctxsize compare --html ctxsize.html      a page to look at, with a map of the tree
  ctxsize compare -f docker/Dockerfile.prod --build-arg VERSION=1.2 .
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", type=click.Path(file_okay=False), nargs=-1, metavar="[PATH]...")
@build_options()
@BUILDER
@repeat_option("Time N builds of each variant.")
@click.option(
    "--exact",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Time the N largest ignored paths with dedicated builds instead of estimating their share.",
)
@seconds_option(
    "--max-time",
    "Start no more builds once they would exceed this time, counted from the start. The warm-up and one build"
    " of each variant are made in any case, and images are always read.",
)
@top_option("Show at most N rows in the tables of paths and rules; 0 shows all.")
@click.option(
    "--by",
    "listing",
    type=click.Choice(["auto", "path", "rule", "both"]),
    default="auto",
    show_default=True,
    help="What the table lists; auto is both, in one table where each rule has one path.",
)
@click.option("--keep", is_flag=True, help="Keep both images and print their tags.")
@verify_options("Run CMD in a container of each image, like a RUN line; both must exit with code 0.")
@click.option(
    "--cache-cost",
    is_flag=True,
    help="Also measure what a change to each of the 5 largest ignored paths costs in the next build.",
)
@click.option(
    "--no-pull-size",
    "pull_size",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Do not compress the images to learn how much a pull transfers: large ones take a while.",
)
@jobs_option("projects")
@HTML
@format_option("comparison")
@output_options("comparison")
def compare(
    build: BuildOptions,
    out: Output,
    verify: VerifyCommand | None,
    cache_cost: bool,
    html: str | None,
    paths: tuple[str, ...],
    jobs: int,
    **asked: Any,
) -> None:
    """Build the project at PATH twice, with and without its .dockerignore, and compare.

    Measures the build context, the image and the build time of both on your Docker engine, and says which
    ignored paths and which rules make the difference. Nothing is written in PATH and nothing is left on
    the engine. Several PATHs are compared one after the other; with --jobs at the same time, and then without
    build times.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import compare as measure
    from ctxsize.rebuild.cache import DEFAULT_TOP

    if len(paths) > 1:
        _several(paths, jobs, build, out, verify, cache_cost, html, asked)
        return
    asked["path"] = paths[0] if paths else "."
    needs_pages(html)
    project = configured(asked["path"])
    configured_build = project.fill(asked, build)

    def report(measured: Measurement) -> None:
        found = measured.comparison
        out.report(found)
        builder = "classic" if found.engine is not None and found.engine.builder == "classic" else "buildkit"
        if found.project.ignore_file is None:
            hint_at_suggest(out, configured_build, asked["path"], asked["dockerfile"], builder)
        hint_at_lint(out, configured_build, asked["path"], asked["dockerfile"], builder, project.lint)
        write_page(out, found, html, configured_build, asked["path"], asked["dockerfile"], builder)
        show_failures(measured.failures.items())

    cost = DEFAULT_TOP if cache_cost else 0
    measurement = out.first(
        partial(measure, options=configured_build, verify=verify, cache_cost=cost, **asked),
        report,
        lambda measured: measured.comparison.warnings,
    )
    exit_for(measurement.failures.items())


def _several(
    paths: tuple[str, ...],
    jobs: int,
    build: BuildOptions,
    out: Output,
    verify: VerifyCommand | None,
    cache_cost: bool,
    html: str | None,
    asked: dict[str, Any],
) -> None:
    """Compare several projects: one report, one exit code."""
    from ctxsize.comparison.several import compare_several
    from ctxsize.comparison.types import Measurement
    from ctxsize.rebuild.cache import DEFAULT_TOP

    for given, flag in ((html, "--html"), (asked["dockerfile"], "--file"), (asked["keep"], "--keep")):
        if given:
            raise click.UsageError(f"{flag} is for one project and there are {len(paths)}")
    more = {"verify": verify, "cache_cost": DEFAULT_TOP if cache_cost else 0}
    projects = []
    for path in paths:
        own = {**asked}
        options = configured(path).fill(own, build)
        projects.append((path, {**own, **more, "options": options}))
    with out.progress() as progress:
        found = compare_several(projects, jobs=jobs, progress=progress)
    measured = [each for each in found if isinstance(each, Measurement)]
    if measured:
        replace(out, result="comparisons").report([each.comparison for each in measured])
    codes = [0]
    for path, each in zip(paths, found, strict=True):
        failures = [each] if isinstance(each, CtxsizeError) else list(each.failures.values())
        codes += [failure.exit_code for failure in failures]
        if failures:
            show_failure(failures[0], project=path)
    if max(codes):
        raise SystemExit(max(codes))
