"""``ctxsize browse``: the tree by size in the terminal, beside a draft of its ignore file."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from ctxsize.cli.options import DIALECT, PATH, build_options, configured

if TYPE_CHECKING:
    from ctxsize.engine.options import BuildOptions

_EPILOG = """\b
Examples:
  ctxsize browse                                      the project in this directory
  ctxsize browse -f docker/Dockerfile.prod --target app services/api
"""


@click.command(epilog=_EPILOG)
@PATH
@build_options("target", "build_args", "platform")
@DIALECT
def browse(path: str, dockerfile: str | None, build: BuildOptions, builder: str) -> None:
    """Look at the project at PATH by size, and draft its ignore file.

    Shows what each directory has, what of it the build sees and needs, and what every line that you draft
    changes, at once. Nothing is written before you have seen the difference and said yes. Press ? for the
    keys (needs `pip install 'ctxsize[tui]'`).
    """
    # Imported here so that other commands start without it.
    from ctxsize.errors import Interrupted, UsageError
    from ctxsize.ignore.types import Dialect

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the browser needs a terminal", hint="`ctxsize context` lists the same")
    try:
        from ctxsize.browse.app import Browser
    except ImportError as error:
        raise UsageError(
            "the browser needs a library that is not installed", hint="`pip install 'ctxsize[tui]'`"
        ) from error
    from ctxsize.browse.open import open_tree

    project = configured(path)
    build = project.under(build)
    opened = open_tree(
        path,
        dockerfile=dockerfile or project.dockerfile,
        target=build.target,
        build_args={name: value for name, value in build.build_args.items() if value is not None},
        platform=build.platform,
        dialect=Dialect.of_builder(project.builder_under(builder)),
    )
    # Without its terminal there is nothing to put back, and a thread of the library would go on reading.
    signal.signal(signal.SIGHUP, lambda *_: os._exit(Interrupted.exit_code))
    Browser(opened).run()
