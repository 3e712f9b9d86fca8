"""``ctxsize image``: where the bytes of an image are, which line put them there, and what is wasted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.options import (
    BUILDER,
    build_options,
    configured,
    format_option,
    output_options,
    top_option,
)

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions
    from ctxsize.inspection.difference.types import ImageDifference
    from ctxsize.progress import Progress

#: Rows of a difference in JSON and CSV.
_MOST_ROWS = 1_000

_EPILOG = """\b
Examples:
  ctxsize image                            build the project in this directory, look at its image
  ctxsize image shop:latest                an image that the engine has
  ctxsize image --by dir --depth 3 shop:latest
  ctxsize image --hide-base --by file --top 20
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
@click.option("--layer", type=click.IntRange(min=1), metavar="N", help="List only files of layer N.")
@click.option("--hide-base", is_flag=True, help="List no files of the base image.")
@click.option(
    "--files",
    is_flag=True,
    help="Also read the layers of an image in a registry: what is wasted takes its files.",
)
@top_option("Show at most N rows in each table; 0 shows all.")
@build_options()
@BUILDER
@format_option("image")
@output_options("image")
def image(names: tuple[str, ...], build: BuildOptions, out: Output, **asked: Any) -> None:
    """Say where the bytes of an image are, which step put them there, and what of them is wasted. With two
    images: what each step, directory and file of the second has more or less.

    IMAGE is one that the engine has, a saved archive, an OCI layout, registry://HOST/NAME:TAG, or the JSON of
    a comparison. For a directory, PATH, the project there is built once. Nothing is written in PATH, and
    nothing is left on the engine or pulled into it.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import image as look_at
    from ctxsize.inspection.image import is_project

    if len(names) > 2:
        raise click.UsageError("one image, or two to compare")
    for name in filter(is_project, names or (".",)):
        project = configured(name)
        asked["dockerfile"] = asked["dockerfile"] or project.dockerfile
        asked["builder"] = project.builder_under(asked["builder"])
        build = project.under(build)
    with out.progress() as progress:
        if len(names) == 2:
            out = replace(out, result="difference")
            report: object = _difference(names, build, out, progress, asked)
        else:
            report = look_at(*names, options=build, progress=progress, **asked)
    out.report(report)


def _difference(
    names: tuple[str, ...], build: BuildOptions, out: Output, progress: Progress, asked: dict[str, Any]
) -> ImageDifference:
    from ctxsize.api import image_difference

    alone = ("largest", "layer", "hide_base")
    for name in alone:
        if asked.pop(name):
            raise click.UsageError(f"--{name.replace('_', '-')} is for one image")
    # What is written for programs has more rows than what is shown.
    most = out.rows if out.format in ("table", "markdown") else max(out.rows, _MOST_ROWS) if out.rows else 0
    return image_difference(*names, options=build, progress=progress, most=most, **asked)
