"""``ctxsize trend``: sizes over time, as lines of JSON, a picture and a badge."""

from __future__ import annotations

import json
from pathlib import Path

import click

_EPILOG = """\b
Examples:
  ctxsize trend check.json --append sizes.jsonl --commit "$GITHUB_SHA"
  ctxsize trend check.json --append sizes.jsonl --svg sizes.svg --badge badge.json
"""
_FILE = click.Path(dir_okay=False)
_MOST = 64 << 20


@click.command(epilog=_EPILOG)
@click.argument("report", type=_FILE, metavar="CHECK.json")
@click.option("--append", type=_FILE, metavar="FILE", help="Add a line of JSON with the sizes to FILE.")
@click.option("--commit", metavar="COMMIT", help="The commit that the sizes are of.")
@click.option("--svg", type=_FILE, metavar="FILE", help="Draw the sizes in the file of --append.")
@click.option("--target", metavar="NAME", help="Draw this target (default: the first).")
@click.option("--badge", type=_FILE, metavar="FILE", help="Write what shields.io's endpoint badge reads.")
@click.option(
    "--badge-size",
    type=click.Choice(["image", "pull", "context"]),
    default="image",
    show_default=True,
    help="Its size.",
)
def trend(
    report: str,
    append: str | None,
    commit: str | None,
    svg: str | None,
    target: str | None,
    badge: str | None,
    badge_size: str,
) -> None:
    """Keep the sizes that a check measured, and draw them.

    CHECK.json is what `check --report json=FILE` wrote.
    """
    from ctxsize.cli.forge.read import STUMBLES, misshapen
    from ctxsize.cli.forge.read import report as read
    from ctxsize.cli.output import write_or_fail
    from ctxsize.errors import UsageError
    from ctxsize.files.write import append as add
    from ctxsize.forge import trend as trends

    if svg is not None and append is None:
        raise click.UsageError("--svg draws the file of --append")
    document = read(report, "check")
    assert document is not None
    try:
        line = json.dumps(trends.entry(document, commit)) + "\n"
        shield = json.dumps(trends.badge(document, badge_size)) + "\n"
        target = target or str(document["targets"][0]["name"])
    except STUMBLES as error:
        raise misshapen(report, error) from error
    if append is not None:
        try:
            add(append, line.encode())
            with Path(append).open("rb") as stream:
                text = stream.read(_MOST).decode("utf-8", "replace")
        except OSError as error:
            raise UsageError(f"can't be written: {error.strerror}", where=append) from error
        if svg is not None:
            write_or_fail(trends.picture(trends.read(text), target), svg)
    if badge is not None:
        write_or_fail(shield, badge)
