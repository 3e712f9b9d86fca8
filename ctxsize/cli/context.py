"""``ctxsize context``: what a build can see, and what the ignore file keeps out of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ctxsize.cli.options import (
    BUILD_ARGS,
    DIALECT,
    DOCKERFILE,
    OUTPUT,
    PATH,
    QUIET,
    TARGET,
    make_progress,
    pairs,
    use_colour,
    write_pieces,
)
from ctxsize.text import printable

if TYPE_CHECKING:
    from ctxsize.survey.overview import By

_EPILOG = """\b
Examples:
  ctxsize context                          totals, the largest directories, what is ignored
  ctxsize context --depth 3 services/api   the tree, three levels deep
  ctxsize context --largest 20             the largest files that the build gets
  ctxsize context --by rule                what each line of the ignore file keeps out
  ctxsize context --ignored --files        every ignored file, and the line that ignores it
  ctxsize context --format json -o context.json
  ctxsize context --format list --null | xargs -0 grep -l PASSWORD
"""


@click.command(epilog=_EPILOG)
@PATH
@DOCKERFILE
@TARGET
@BUILD_ARGS
@DIALECT
@click.option("--by", type=click.Choice(["dir", "ext", "rule"]), help="Group the files.")
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Levels of directories in the tree.",
)
@click.option("--files", is_flag=True, help="List every file.")
@click.option("--largest", type=click.IntRange(min=1), metavar="N", help="List the N largest files.")
@click.option("--ignored", is_flag=True, help="Show what is ignored instead of what is kept.")
@click.option(
    "--eligible-only",
    is_flag=True,
    help="Do not look into ignored directories: fastest, and their size is not known.",
)
@click.option(
    "--secrets",
    is_flag=True,
    help="Read small text files for secrets, too (needs `pip install 'ctxsize[secrets]'`).",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Rows of a table, but for lists of files; 0 shows all.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv", "list"]),
    default="table",
    show_default=True,
    help="How to report; list prints the paths of files alone.",
)
@click.option("-0", "--null", is_flag=True, help="End the paths of a list with a null byte, for xargs -0.")
@OUTPUT
@QUIET
def context(
    path: str,
    dockerfile: str | None,
    target: str | None,
    build_args: tuple[str, ...],
    builder: str,
    by: By | None,
    depth: int,
    files: bool,
    largest: int | None,
    ignored: bool,
    eligible_only: bool,
    secrets: bool,
    top: int,
    format_: str,
    null: bool,
    output: str,
    quiet: bool,
) -> None:
    """Show what a build of the project at PATH can see, without an engine.

    Totals with and without the ignore file, what the Dockerfile needs, the directories, files or rules
    that make up most of it, and files that look like secrets.
    """
    # Imported here so that other commands start without it.
    from ctxsize.ignore.types import Dialect
    from ctxsize.report.context import context_format
    from ctxsize.report.shared.style import Style
    from ctxsize.survey.overview import overview

    as_list = format_ == "list"
    if null and not as_list:
        raise click.UsageError("--null is for --format list")
    if as_list and by is not None:
        raise click.UsageError("--format list lists files, which --by groups: use --format csv")
    progress = make_progress(quiet=quiet, verbose=False)
    progress.phase("scan")
    try:
        result = overview(
            path,
            dockerfile=dockerfile,
            target=target,
            build_args={
                name: value
                for name, value in pairs(build_args, from_environment=True).items()
                if value is not None
            },
            dialect=Dialect(builder),
            by=by,
            depth=depth,
            files=files or as_list,
            ignored=ignored,
            largest=largest,
            eligible_only=eligible_only,
            secrets=secrets,
            progress=lambda seen: progress.step(f"{seen} entries"),
        )
    finally:
        progress.close()
    if format_ in ("csv", "list") and not quiet:
        for warning in result.warnings:
            if warning.code == "needed-unknown":
                continue  # these formats say nothing of it
            where = f"{warning.where}: " if warning.where else ""
            print(f"ctxsize: note: {printable(where + warning.message)}", file=sys.stderr)
    style = Style(colour=use_colour(output), top=top)
    write_pieces(context_format("null" if null else format_)(result, style), output)
