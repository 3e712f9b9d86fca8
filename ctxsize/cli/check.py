"""``ctxsize check``: hold contexts and images against their limits."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.errors import show_note
from ctxsize.cli.options import (
    BUILDERS,
    build_options,
    format_option,
    output_options,
    repeat_option,
    repeated_option,
    top_option,
)
from ctxsize.cli.reports import add_to_summary, further_report, report_all
from ctxsize.errors import UsageError
from ctxsize.text import printable

if TYPE_CHECKING:
    from ctxsize.budget.check import CheckOptions
    from ctxsize.budget.config import Target
    from ctxsize.budget.types import CheckReport
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions
    from ctxsize.progress import Progress
    from ctxsize.warning import Warning

_FILE = click.Path(dir_okay=False)
_EPILOG = """\b
Examples:
  ctxsize check                            the limits in .ctxsize.toml, for the project in this directory
  ctxsize check --init                     write a .ctxsize.toml with limits a little above today's sizes
  ctxsize check --static services/*        several projects, without an engine
  ctxsize check --compose compose.yaml     every service that is built
  ctxsize check --limit image='250 MB' --image shop:latest
  ctxsize check --save-baseline baseline.json
  ctxsize check --baseline baseline.json --limit growth.image=5%
  ctxsize check --against registry://ghcr.io/me/shop:main --limit growth.pull='2 MB'
  ctxsize check --limit reclaimable='20 MB' --limit layer=60%

\b
Exit codes: 0 within budget, 1 over budget or a forbidden file, 2 a limit could not be judged,
3 a build failed, 4 no usable engine. The highest wins.
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", type=click.Path(file_okay=False), nargs=-1, metavar="[PATH]...")
@repeated_option(
    "--limit",
    "limits",
    metavar="NAME=SIZE",
    help="Set a limit, over that of the configuration, e.g. image='250 MB' or growth.context=5%; `off`"
    " removes it.",
)
@repeated_option("--forbid", metavar="PATTERN", help="Fail if a file matching PATTERN reaches the build.")
@repeated_option("--require-ignored", metavar="PATH", help="Fail unless PATH is ignored.")
@repeated_option(
    "--exempt",
    metavar="PATTERN",
    help="Don't count files of the image that match PATTERN as wasted or left over.",
)
@click.option(
    "--sensitive",
    type=click.Choice(["off", "warn", "fail"]),
    help="What to do about files that look like secrets and reach the build (default: warn).",
)
@click.option(
    "--lint",
    type=click.Choice(["off", "warn", "fail"]),
    help="What to do about findings of `ctxsize lint` (default: off).",
)
@click.option(
    "--baseline",
    type=_FILE,
    metavar="FILE",
    help="Measure growth since FILE was written, by --save-baseline or by compare --format json.",
)
@repeated_option(
    "--against",
    metavar="[TARGET=]IMAGE",
    help="Measure growth since IMAGE: registry://HOST/NAME:TAG (only its manifest is read), an archive, or an"
    " image of the engine.",
)
@click.option(
    "--save-baseline",
    type=_FILE,
    metavar="FILE",
    help="Write what was measured to FILE, for --baseline.",
)
@repeated_option(
    "--image", "images", metavar="[TARGET=]NAME", help="Check this existing image instead of building one."
)
@click.option(
    "--archive",
    type=click.Path(),
    metavar="FILE",
    help="Check an image saved to FILE (docker save, OCI layout), without an engine; --image selects one of"
    " several in it.",
)
@click.option(
    "--compose",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Check what a Compose file builds; several are merged, as with docker compose -f.",
)
@click.option(
    "--compose-root",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Let the Compose files name anything below DIR (default: the first file's directory).",
)
@click.option("--static", is_flag=True, help="Check only limits that need no image: no engine, no build.")
@repeated_option("--only", metavar="TARGET", help="Check only this target.")
@click.option(
    "--init", is_flag=True, help="Write limits slightly above today's sizes, to .ctxsize.toml or to -o FILE."
)
@click.option("--builder", type=BUILDERS, help="Build with this builder, and apply its ignore rules.")
@repeat_option("Time N builds, for a limit on build time.")
@top_option("Name at most N files in the table; 0 names all.")
@format_option("check")
@repeated_option(
    "--report",
    "reports",
    metavar="FORMAT=FILE",
    help="Also write this report of the same check, e.g. sarif=ctxsize.sarif; - is standard output.",
)
@build_options()
@output_options("check")
def check(
    paths: tuple[str, ...],
    images: tuple[str, ...],
    against: tuple[str, ...],
    compose: tuple[str, ...],
    compose_root: str | None,
    init: bool,
    reports: tuple[str, ...],
    build: BuildOptions,
    out: Output,
    **asked: Any,
) -> None:
    """Check the projects at PATH (default: here) against their limits.

    Limits are read from .ctxsize.toml or [tool.ctxsize] in pyproject.toml, from CTXSIZE_* variables and from
    options. Limits on the context need no engine. For limits on the image, the image is built once, unless
    you name an existing one.
    """
    # Imported here so that other commands start without it.
    from ctxsize.budget.check import CheckOptions
    from ctxsize.budget.check import check as measure

    if init and (compose or reports):
        raise click.UsageError("--init writes one project's configuration, and no report")
    further = [further_report("check", word) for word in reports]
    no_build = asked["static"] or asked["archive"]
    options = CheckOptions(
        images=_images(images),
        against=_images(against),
        stage=build.target,
        platform=build.platform,
        build=None if no_build else build,
        **asked,
    )

    def show(report: CheckReport) -> None:
        add_to_summary(report, out)
        codes.append(report_all(report, out, further))

    codes: list[int] = []
    if init:
        with out.progress() as progress:
            _init(paths, options, build, out.file, progress)
        return
    targets: tuple[Target, ...] | None = None
    notes: tuple[Warning, ...] = ()
    if compose:
        targets, notes, options = _composed(compose, compose_root, options)
    report = out.first(
        partial(measure, *paths, targets=targets, notes=notes, options=options),
        show,
        lambda report: report.targets[0].warnings,
    )
    code = max(report.exit_code, *codes)
    if code:
        raise SystemExit(code)


def _images(words: tuple[str, ...]) -> dict[str, str]:
    """``[TARGET=]NAME`` words; '' stands for the only target."""
    found = {}
    for word in words:
        target, separator, name = word.partition("=")
        found[target if separator else ""] = name if separator else word
    return found


def _composed(
    files: tuple[str, ...], root: str | None, options: CheckOptions
) -> tuple[tuple[Target, ...], tuple[Warning, ...], CheckOptions]:
    """The targets of Compose files, what to note, and the options with the baseline that goes with them."""
    from dataclasses import replace

    from ctxsize.budget.compose.targets import compose_targets

    found = compose_targets(files, os.environ, root)
    baseline = options.baseline or os.environ.get("CTXSIZE_BASELINE") or found.baseline
    return found.targets, found.warnings, replace(options, baseline=baseline)


def _init(
    paths: tuple[str, ...],
    options: CheckOptions,
    build: BuildOptions,
    output: str | None,
    progress: Progress,
) -> None:
    """Write a first configuration: to ``output``, or to a file in the project that is not there yet."""
    from dataclasses import replace

    from ctxsize.budget.check import check as measure
    from ctxsize.budget.config import FILE
    from ctxsize.budget.init import configuration, init_target, without_found
    from ctxsize.cli.output import write
    from ctxsize.files.probe import probe
    from ctxsize.project import open_context

    if len(paths) > 1:
        raise UsageError("--init writes the configuration of one project", hint="name one directory")
    directory = Path(paths[0] if paths else ".")
    open_context(paths[0] if paths else ".")
    own = directory / FILE
    if output is None and probe(own):
        raise UsageError("there is a configuration already", where=str(own), hint="-o - prints a new one")
    plain = replace(
        options, limits=(), forbid=(), require_ignored=(), baseline=None, save_baseline=None, only=()
    )
    target = init_target(directory, static=options.static)
    report = measure(targets=[target], options=plain, environ={}, progress=progress).targets[0]
    if report.sizes.context_bytes is None and report.error is not None:
        raise UsageError(report.error)
    secrets = report
    if (further := without_found(target, report)) is not None:
        static = replace(plain, static=True)
        secrets = measure(targets=[further], options=static, environ={}, progress=progress).targets[0]
    dockerfile = options.dockerfile
    built = replace(
        target,
        dockerfile=None if dockerfile is None else os.path.relpath(dockerfile, directory),
        stage=options.stage,
        build_args={name: value for name, value in build.build_args.items() if value is not None},
        platform=build.platform,
        builder=options.builder or "auto",
    )
    # A value equal to that of a variable of this name was most likely taken from it, and may be secret.
    hidden = [name for name, value in built.build_args.items() if os.environ.get(name) == value]
    write(configuration(report, built, secrets, hidden), output or str(own))
    if report.error is not None:
        show_note(" ".join(report.error.split()))
    if output is None:
        print(f"ctxsize: wrote {printable(str(own))}", file=sys.stderr)
