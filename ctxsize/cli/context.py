"""``ctxsize context``: what a build can see, and what the ignore file keeps out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.errors import show_note
from ctxsize.cli.lint import MOST_ENTRIES, MOST_RULES, hint_at_lint
from ctxsize.cli.options import (
    DIALECT,
    PATH,
    build_options,
    configured,
    format_option,
    output_options,
    top_option,
)
from ctxsize.cli.reports import HTML, needs_pages, write_page

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions
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
@build_options("target", "build_args", "platform", "contexts")
@DIALECT
@click.option(
    "--by", type=click.Choice(["dir", "ext", "rule"]), help="Group files by directory, extension or rule."
)
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Show N levels of directories.",
)
@click.option("--files", is_flag=True, help="List every file.")
@click.option("--largest", type=click.IntRange(min=1), metavar="N", help="List the N largest files.")
@click.option("--ignored", is_flag=True, help="Show what is ignored instead of what is kept.")
@click.option(
    "--eligible-only",
    is_flag=True,
    help="Skip ignored directories: this is fastest, but leaves their size unknown.",
)
@click.option(
    "--secrets",
    is_flag=True,
    help="Also look for secrets in small text files (needs `pip install 'ctxsize[secrets]'`).",
)
@top_option("Show at most N rows of each table except lists of files; 0 shows all.")
@format_option("context", help="Format of the report; list prints only the paths of files.")
@HTML
@click.option("-0", "--null", is_flag=True, help="End the paths of a list with a null byte, for xargs -0.")
@output_options("context", "file", "quiet")
def context(
    build: BuildOptions, out: Output, builder: str, by: By | None, files: bool, html: str | None, **asked: Any
) -> None:
    """Show what a build of the project at PATH can see, without an engine.

    Totals with and without the ignore file, what the Dockerfile needs, the directories, files or rules
    that make up most of it, and files that look like secrets.
    """
    # Imported here so that other commands start without it.
    from ctxsize.ignore.types import Dialect
    from ctxsize.survey.overview import overview

    as_list = out.format == "list"
    if out.null and not as_list:
        raise click.UsageError("--null is for --format list")
    if as_list and by is not None:
        raise click.UsageError("--format list lists files, which --by groups: use --format csv")
    needs_pages(html)
    project = configured(asked["path"])
    build = project.under(build)
    builder = project.builder_under(builder)
    asked["dockerfile"] = asked["dockerfile"] or project.dockerfile
    with out.progress() as progress:
        progress.phase("scan")
        result = overview(
            target=build.target,
            platform=build.platform,
            build_args={name: value for name, value in build.build_args.items() if value is not None},
            contexts=build.contexts,
            dialect=Dialect.of_builder(builder),
            by=by,
            files=files or as_list,
            progress=lambda seen: progress.step(f"{seen} entries"),
            **asked,
        )
    if out.format in ("csv", "list") and not out.quiet:
        for warning in result.warnings:
            if warning.code != "needed-unknown":  # these formats say nothing of it
                show_note(f"{warning.where}: {warning.message}" if warning.where else warning.message)
    out.report(result)
    write_page(out, result, html, build, asked["path"], asked["dockerfile"], builder)
    everything, rules = result.scan.without, result.scan.rules
    quick = everything is not None and everything.files + everything.dirs <= MOST_ENTRIES
    if quick and len(rules) <= MOST_RULES:
        hint_at_lint(out, build, asked["path"], asked["dockerfile"], builder, project.lint)
