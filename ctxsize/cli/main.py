"""The ``ctxsize`` command group."""

from __future__ import annotations

from typing import Any

import click

from ctxsize import __version__
from ctxsize.cli.cache import cache
from ctxsize.cli.check import check
from ctxsize.cli.clean import clean
from ctxsize.cli.compare import compare
from ctxsize.cli.completion import completion
from ctxsize.cli.context import context
from ctxsize.cli.docker_plugin import docker_plugin
from ctxsize.cli.errors import exit_codes
from ctxsize.cli.why import why


class _Group(click.Group):
    """A group whose commands end with the documented exit codes (docs/exit-codes.md)."""

    def invoke(self, ctx: click.Context) -> Any:
        with exit_codes():
            return super().invoke(ctx)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ctxsize")
def main() -> None:
    """Measure what a .dockerignore saves: context, image, build time.

    \b
    Exit codes: 0 done, 1 over budget or findings, 2 wrong usage, 3 a build failed,
    4 no usable engine, 130 interrupted.
    """


main.add_command(cache)
main.add_command(check)
main.add_command(clean)
main.add_command(compare)
main.add_command(completion)
main.add_command(context)
main.add_command(docker_plugin)
main.add_command(why)
