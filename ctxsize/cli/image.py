"""``ctxsize image``: where the bytes of an image are, which line put them there, and what is wasted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.errors import show_note
from ctxsize.cli.options import (
    BUILDER,
    build_options,
    configured,
    format_option,
    output_options,
    top_option,
    verify_options,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctxsize.cli.output import Output
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions
    from ctxsize.inspection.difference.types import ImageDifference
    from ctxsize.inspection.types import ImageReport

#: Rows of a difference in JSON and CSV.
_MOST_ROWS = 1_000
#: Options that say nothing of two images.
_FOR_ONE = ("largest", "layer", "base", "hide_base", "prove", "verify", "verify_network", "diff", "write")

_EPILOG = """\b
Examples:
  ctxsize image                            build the project in this directory, look at its image
  ctxsize image shop:latest                an image that the engine has
  ctxsize image --by dir --depth 3 shop:latest
  ctxsize image --hide-base --by file --top 20
  ctxsize image --prove --verify "app --version"   whether the fixes hold
  ctxsize image --diff                     the fixes as a patch
  ctxsize image --layer 7 --largest 10 shop:latest
  ctxsize image shop.tar                   what docker save wrote, or an OCI layout; - is standard input
  ctxsize image registry://ghcr.io/me/shop:1.4
  ctxsize image shop:1.4 .                 what the image built here has more or less than shop:1.4
  ctxsize image --by file registry://ghcr.io/me/shop:1.4 shop:latest
"""


@click.command(epilog=_EPILOG)
@click.argument("names", metavar="[PATH|IMAGE] [PATH|IMAGE]", nargs=-1)
@click.option(
    "--by",
    "view",
    type=click.Choice(["step", "dir", "ext", "file", "context"]),
    default="step",
    show_default=True,
    help="List the bytes by step, directory, extension, file, or the context path they came from.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    metavar="N",
    help="How deep --by dir and --by context look.",
)
@click.option(
    "--largest", type=click.IntRange(min=0), default=0, metavar="N", help="Also list the N largest files."
)
@click.option(
    "--layer", type=click.IntRange(min=1), metavar="N", help="List only layer N, and what is of it."
)
@click.option("--base", metavar="IMAGE", help="The base image of IMAGE, if the engine has it.")
@click.option("--hide-base", is_flag=True, help="List nothing of the base image.")
@click.option(
    "--files",
    is_flag=True,
    help="Also read the layers of an image in a registry: what is wasted takes its files.",
)
@click.option(
    "--prove",
    is_flag=True,
    help="Build the fixed Dockerfile: what does the image really lose, and is it otherwise the same?",
)
@verify_options("As --prove, and run CMD in a container of the fixed image; it must exit with code 0.")
@click.option("--diff", is_flag=True, help="Print the fixes as a patch of the Dockerfile, and no report.")
@click.option(
    "--write",
    is_flag=True,
    help="Write the fixes to the Dockerfile; with --prove only if the proof holds.",
)
@top_option("Show at most N rows in each table; 0 shows all.")
@build_options()
@BUILDER
@format_option("image")
@output_options("image")
def image(
    names: tuple[str, ...],
    build: BuildOptions,
    out: Output,
    verify: VerifyCommand | None,
    diff: bool,
    **asked: Any,
) -> None:
    """Say where the bytes of an image are, which step put them there, and what of them is wasted. With two
    images: what each step, directory and file of the second has more or less.

    IMAGE is one that the engine has, a saved archive, an OCI layout, registry://HOST/NAME:TAG, or the JSON of
    a comparison. For a directory, PATH, the project there is built once, and what would make its image
    smaller is said line by line. Nothing is written in PATH without --write, and nothing is left on the
    engine or pulled into it.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import image as look_at
    from ctxsize.cli.output import write
    from ctxsize.inspection.image import is_project

    if len(names) > 2:
        raise click.UsageError("one image, or two to compare")
    for name in filter(is_project, names or (".",)):
        project = configured(name)
        build = project.fill(asked, build)

    def show(report: ImageReport) -> None:
        if diff:
            write(report.diff, out.file or "-")
        else:
            out.report(report)

    if len(names) == 2:
        two = replace(out, result="difference")
        out.first(_difference(names, build, out, asked), two.report, lambda found: found.warnings)
        return
    report = out.first(
        partial(look_at, *names, options=build, verify=verify, **asked), show, lambda report: report.warnings
    )
    if report.written:
        show_note("the Dockerfile has the fixes now")
    if report.proof is not None and not report.proof.holds:
        if asked["write"]:
            show_note("the Dockerfile was not changed: the proof does not hold")
        raise SystemExit(1)


def _difference(
    names: tuple[str, ...], build: BuildOptions, out: Output, asked: dict[str, Any]
) -> Callable[..., ImageDifference]:
    """What compares two images, but for the progress and who is given the result."""
    from ctxsize.api import image_difference

    given = click.get_current_context().params
    for name in _FOR_ONE:
        if given[name]:
            raise click.UsageError(f"--{name.replace('_', '-')} is for one image")
        asked.pop(name, None)
    # What is written for programs has more rows than what is shown.
    most = out.rows if out.format in ("table", "markdown") else max(out.rows, _MOST_ROWS) if out.rows else 0
    return partial(image_difference, *names, options=build, most=most, **asked)
