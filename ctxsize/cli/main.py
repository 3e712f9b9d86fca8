"""The ``ctxsize`` command group."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from ctxsize import __version__
from ctxsize.cli.errors import exit_codes

#: The commands, and those of their modules that have another name.
COMMANDS = (
    "browse", "builders", "cache", "check", "clean", "comment", "compare", "completion", "context",
    "docker-plugin", "image", "lint", "report", "suggest", "trend", "why",
)  # fmt: skip
_MODULES = {
    "browse": "look.browse", "builders": "docker.builders", "comment": "forge.comment",
    "docker-plugin": "docker.plugin", "report": "reports", "trend": "forge.trend",
}  # fmt: skip


class _Group(click.Group):
    """A group whose commands are imported when they are asked for, so that each starts without the others.
    They end with the documented exit codes (docs/exit-codes.md)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module = import_module(f"ctxsize.cli.{_MODULES.get(cmd_name, cmd_name)}")
            self.add_command(getattr(module, cmd_name.replace("-", "_")))
        return self.commands.get(cmd_name)

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
  ctxsize suggest                rules worth adding to it, each proven by a build
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
