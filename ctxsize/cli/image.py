"""``ctxsize image``: where the bytes of an image are, which line put them there, and what is wasted."""

from __future__ import annotations

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

_EPILOG = """\b
Examples:
  ctxsize image                            build the project in this directory, look at its image
  ctxsize image shop:latest                an image that the engine has
  ctxsize image --by dir --depth 3 shop:latest
  ctxsize image --hide-base --by file --top 20
  ctxsize image --layer 7 --largest 10 shop:latest
"""


@click.command(epilog=_EPILOG)
@click.argument("name", metavar="[PATH|IMAGE]", default=".", required=False)
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
@top_option("Show at most N rows in each table; 0 shows all.")
@build_options()
@BUILDER
@format_option("image")
@output_options("image")
def image(name: str, build: BuildOptions, out: Output, **asked: Any) -> None:
    """Say where the bytes of an image are, which step put them there, and what of them is wasted.

    IMAGE is one that the engine has. For a directory, PATH, the project there is built once. Nothing is
    written in PATH and nothing is left on the engine.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import image as look_at
    from ctxsize.inspection.image import is_project

    if is_project(name):
        project = configured(name)
        asked["dockerfile"] = asked["dockerfile"] or project.dockerfile
        asked["builder"] = project.builder_under(asked["builder"])
        build = project.under(build)
    with out.progress() as progress:
        report = look_at(name, options=build, progress=progress, **asked)
    out.report(report)
