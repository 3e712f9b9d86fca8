"""``ctxsize builders``: what can be measured on, and what is taken without ``--builder``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ctxsize.cli.options import format_option, output_options

if TYPE_CHECKING:
    from ctxsize.cli.output import Output

_EPILOG = """\b
Examples:
  ctxsize builders
  ctxsize compare --builder ci        measure on one of them
  ctxsize builders --format json -o builders.json
"""


@click.command(epilog=_EPILOG)
@format_option("builders")
@output_options("builders", "file")
def builders(out: Output) -> None:
    """List the builders that can be measured on.

    These are the engines of your Docker contexts and the builders that `docker buildx create` made. Each is
    asked whether it can be used. * marks the one that --builder auto takes, which is the one that `docker
    build` takes. Nothing is changed, and nothing is started.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.api import builders as look

    out.report(look())
