"""``ctxsize check``: hold contexts and images against their limits."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctxsize.cli.options import (
    build_options,
    given_build_options,
    make_progress,
    output_options,
    use_colour,
    write_report,
)
from ctxsize.errors import UsageError
from ctxsize.report.check import CHECK_FORMATS, check_format
from ctxsize.text import printable

if TYPE_CHECKING:
    from ctxsize.budget.check import CheckOptions
    from ctxsize.budget.config import Target
    from ctxsize.progress import Progress
    from ctxsize.warning import Warning

_EPILOG = """\b
Examples:
  ctxsize check                            the limits in .ctxsize.toml, for the project in this directory
  ctxsize check --init                     write a .ctxsize.toml with limits a little above today's sizes
  ctxsize check --static services/*        several projects, without an engine
  ctxsize check --compose compose.yaml     every service that is built
  ctxsize check --limit image='250 MB' --image shop:latest
  ctxsize check --save-baseline baseline.json
  ctxsize check --baseline baseline.json --limit growth.image=5%

\b
Exit codes: 0 within budget, 1 over budget or a forbidden file, 2 a limit could not be judged,
3 a build failed, 4 no usable engine. The highest wins.
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", type=click.Path(file_okay=False), nargs=-1, metavar="[PATH]...")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=SIZE",
    help="A limit over the configuration's, e.g. image='250 MB', growth.context=5%; `off` takes one away."
    " Repeatable.",
)
@click.option(
    "--forbid", multiple=True, metavar="PATTERN", help="Files that must not reach the build. Repeatable."
)
@click.option(
    "--require-ignored", multiple=True, metavar="PATH", help="A path that must be ignored. Repeatable."
)
@click.option(
    "--sensitive",
    type=click.Choice(["off", "warn", "fail"]),
    help="What to make of files that look like secrets and reach the build (default: warn).",
)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="What growth is measured from: of --save-baseline, or of compare --format json.",
)
@click.option(
    "--save-baseline", type=click.Path(dir_okay=False), metavar="FILE", help="Write what was measured there."
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="[TARGET=]NAME",
    help="Look at an image that is there instead of building one. Repeatable.",
)
@click.option(
    "--archive",
    type=click.Path(),
    metavar="FILE",
    help="Look at a saved image (docker save, OCI layout); no engine. --image names one of several in it.",
)
@click.option(
    "--compose",
    type=click.Path(dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Check what is built in a Compose file; several are merged, as with docker compose -f.",
)
@click.option("--static", is_flag=True, help="Only limits that need no image: no engine, no build.")
@click.option("--only", multiple=True, metavar="TARGET", help="Only this target. Repeatable.")
@click.option(
    "--init", is_flag=True, help="Write limits a little above today's sizes (.ctxsize.toml, or -o)."
)
@click.option(
    "--builder",
    type=click.Choice(["auto", "buildkit", "buildkit-upload", "classic"]),
    help="Which builder builds, and whose reading of the ignore file applies.",
)
@click.option(
    "--repeat", type=click.IntRange(min=1), metavar="N", help="Timed builds, for a limit on build time."
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Files named in the table; 0 shows all.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(CHECK_FORMATS),
    default="table",
    show_default=True,
    help="How to report.",
)
@click.option(
    "--report",
    "further",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Another report of the same check, e.g. sarif=ctxsize.sarif; - is standard output. Repeatable.",
)
@build_options
@output_options
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[str, ...],
    limits: tuple[str, ...],
    forbid: tuple[str, ...],
    require_ignored: tuple[str, ...],
    sensitive: str | None,
    baseline: str | None,
    save_baseline: str | None,
    images: tuple[str, ...],
    archive: str | None,
    compose: tuple[str, ...],
    static: bool,
    only: tuple[str, ...],
    init: bool,
    builder: str | None,
    repeat: int | None,
    top: int,
    format_: str,
    further: tuple[str, ...],
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
    output: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Hold the projects at PATH (default: here) against their limits.

    Limits are in .ctxsize.toml or [tool.ctxsize] of pyproject.toml, in CTXSIZE_* variables and in options.
    Those of the context need no engine; for those of the image it is built once, or named.
    """
    # Imported here so that other commands start without it.
    from ctxsize.budget.check import CheckOptions
    from ctxsize.budget.check import check as measure
    from ctxsize.report.shared.style import Style

    if init and (compose or further):
        raise click.UsageError("--init writes one project's configuration, and no report")
    reports = [_report(word) for word in further]
    options = CheckOptions(
        limits=limits,
        forbid=forbid,
        require_ignored=require_ignored,
        sensitive=sensitive,
        baseline=baseline,
        save_baseline=save_baseline,
        images=_images(images),
        archive=archive,
        static=static,
        only=only,
        dockerfile=dockerfile,
        stage=target,
        builder=builder,
        repeat=repeat,
    )
    if not static and not archive:
        from dataclasses import replace

        build = given_build_options(
            build_args=build_args,
            platform=platform,
            labels=labels,
            network=network,
            pull=pull,
            no_cache=no_cache,
            secrets=secrets,
            ssh=ssh,
        )
        options = replace(options, build=build)
    progress = make_progress(quiet=quiet, verbose=verbose)
    try:
        if init:
            given = ctx.get_parameter_source("output") is not click.core.ParameterSource.DEFAULT
            _init(paths, options, output if given else None, progress)
            return
        targets: tuple[Target, ...] | None = None
        notes: tuple[Warning, ...] = ()
        if compose:
            targets, notes, options = _composed(compose, options)
        report = measure(*paths, targets=targets, notes=notes, options=options, progress=progress)
    finally:
        progress.close()
    write_report(check_format(format_)(report, Style(colour=use_colour(output), top=top)), output)
    for name, file in reports:
        write_report(check_format(name)(report, Style(top=top)), file)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        _append(check_format("markdown")(report, Style(top=top)), summary)
    if report.exit_code:
        raise SystemExit(report.exit_code)


def _images(words: tuple[str, ...]) -> dict[str, str]:
    """``[TARGET=]NAME`` words; '' stands for the only target."""
    found = {}
    for word in words:
        target, separator, name = word.partition("=")
        found[target if separator else ""] = name if separator else word
    return found


def _report(word: str) -> tuple[str, str]:
    """``FORMAT=FILE`` as its two parts."""
    name, separator, file = word.partition("=")
    if name not in CHECK_FORMATS or not separator or not file:
        raise click.BadParameter(f"{word!r}: write FORMAT=FILE; formats are {', '.join(CHECK_FORMATS)}")
    return name, file


def _composed(
    files: tuple[str, ...], options: CheckOptions
) -> tuple[tuple[Target, ...], tuple[Warning, ...], CheckOptions]:
    """The targets of Compose files, what to note, and the options with the baseline that goes with them."""
    from dataclasses import replace

    from ctxsize.budget.compose.targets import compose_targets

    found = compose_targets(files, os.environ)
    baseline = options.baseline or os.environ.get("CTXSIZE_BASELINE") or found.baseline
    return found.targets, found.warnings, replace(options, baseline=baseline)


def _append(text: str, file: str) -> None:
    """Add to a job's summary, which other steps may have written in. A summary is no reason to fail."""
    try:
        with open(file, "a", encoding="utf-8") as summary:
            summary.write(text)
    except OSError as error:
        print(f"ctxsize: note: {file}: the summary can't be written: {error.strerror}", file=sys.stderr)


def _init(paths: tuple[str, ...], options: CheckOptions, output: str | None, progress: Progress) -> None:
    """Write a first configuration: to ``output``, or to a file in the project that is not there yet."""
    from dataclasses import replace

    from ctxsize.budget.check import check as measure
    from ctxsize.budget.config import FILE
    from ctxsize.budget.init import configuration, init_target

    if len(paths) > 1:
        raise UsageError("--init writes the configuration of one project", hint="name one directory")
    directory = Path(paths[0] if paths else ".")
    own = directory / FILE
    if output is None and own.exists():
        raise UsageError("there is a configuration already", where=str(own), hint="-o - prints a new one")
    plain = replace(
        options, limits=(), forbid=(), require_ignored=(), baseline=None, save_baseline=None, only=()
    )
    target = init_target(directory, static=options.static)
    report = measure(targets=[target], options=plain, environ={}, progress=progress).targets[0]
    if report.sizes.context_bytes is None and report.error is not None:
        raise UsageError(report.error)
    write_report(configuration(report), output or str(own))
    if report.error is not None:
        print(f"ctxsize: note: {printable(' '.join(report.error.split()))}", file=sys.stderr)
    if output is None:
        print(f"ctxsize: wrote {printable(str(own))}", file=sys.stderr)
