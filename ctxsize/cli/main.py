"""The ``ctxsize`` command group."""

from __future__ import annotations

from typing import Any

import click

from ctxsize import __version__
from ctxsize.cli.look.browse import browse
from ctxsize.cli.cache import cache
from ctxsize.cli.check import check
from ctxsize.cli.clean import clean
from ctxsize.cli.compare import compare
from ctxsize.cli.completion import completion
from ctxsize.cli.context import context
from ctxsize.cli.docker.plugin import docker_plugin
from ctxsize.cli.errors import exit_codes
from ctxsize.cli.forge.comment import comment
from ctxsize.cli.forge.trend import trend
from ctxsize.cli.image import image
from ctxsize.cli.lint import lint
from ctxsize.cli.reports import report
from ctxsize.cli.why import why


class _Group(click.Group):
    """A group whose commands end with the documented exit codes (docs/exit-codes.md)."""

    def invoke(self, ctx: click.Context) -> Any:
        with exit_codes():
            return super().invoke(ctx)


_EPILOG = """\b
Examples:
  ctxsize compare                what the ignore file saves: bytes and seconds, by path and rule
  ctxsize context                what a build can see, without an engine
  ctxsize why node_modules/x     which line keeps this out
  ctxsize check --init           limits for `ctxsize check` in CI
  ctxsize image                  where the bytes of the image are, and what of them is wasted
  ctxsize lint                   what is wrong with the ignore file, and what it costs

\b
Exit codes: 0 done, 1 over budget or findings, 2 wrong usage, 3 a build failed,
4 no usable engine, 70 a fault of ctxsize, 130 interrupted.
"""


@click.group(
    cls=_Group,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="ctxsize")
def main() -> None:
    """Measure what a .dockerignore saves: context, image, build time."""


for _command in (
    browse,
    cache,
    check,
    clean,
    comment,
    compare,
    completion,
    context,
    docker_plugin,
    image,
    lint,
    report,
    trend,
    why,
):
    main.add_command(_command)
