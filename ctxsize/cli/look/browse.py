"""``ctxsize browse``: a tree by size in the terminal: a project's, beside a draft of its ignore file, or an
image's."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.options import BUILDER, build_options, configured, verify_options

if TYPE_CHECKING:
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions

_EPILOG = """\b
Examples:
  ctxsize browse                                      the project in this directory
  ctxsize browse -f docker/Dockerfile.prod --target app services/api
  ctxsize browse shop:latest                          an image that the engine has
  ctxsize browse shop.tar                             what docker save wrote, or an OCI layout
  ctxsize browse registry://ghcr.io/me/shop:1.4
"""


@click.command(epilog=_EPILOG)
@click.argument("name", metavar="[PATH|IMAGE]", default=".", required=False)
@build_options()
@BUILDER
@verify_options("For a proof of the draft: run CMD in a container of the image; it must exit with code 0.")
@click.option("--base", metavar="IMAGE", help="The base image of IMAGE, if the engine has it.")
def browse(
    name: str, build: BuildOptions, verify: VerifyCommand | None, base: str | None, **asked: Any
) -> None:
    """Look at the project at PATH by size, and draft its ignore file; or look at an IMAGE.

    Of a project it shows what each directory has, what of it the build sees and needs, and what every line
    that you draft changes, at once. Nothing is written before you have seen the difference and said yes. Of
    an IMAGE (as `ctxsize image` takes it) it shows what its layers store, and what of that is wasted and why.
    Press ? for the keys (needs `pip install 'ctxsize[tui]'`).
    """
    # Imported here so that other commands start without it.
    from ctxsize.errors import Interrupted, UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the browser needs a terminal", hint="`ctxsize context` lists the same")
    try:
        from ctxsize.browse.app import Browser
    except ImportError as error:
        raise UsageError(
            "the browser needs a library that is not installed", hint="`pip install 'ctxsize[tui]'`"
        ) from error
    from ctxsize.browse.open import Build, open_tree
    from ctxsize.inspection.image import is_project

    # Without its terminal there is nothing to put back, and a thread of the library would go on reading.
    signal.signal(signal.SIGHUP, lambda *_: os._exit(Interrupted.exit_code))
    if not is_project(name):
        from ctxsize.browse.layers.app import ImageBrowser
        from ctxsize.browse.layers.open import open_image

        browser = ImageBrowser(open_image(name, platform=build.platform, base=base))
        browser.run()
        if browser.failure is not None:
            raise browser.failure
        return
    if base is not None:
        raise UsageError("the base image of a project is known", where=name, hint="leave --base out")
    build = configured(name).fill(asked, build)
    opened = open_tree(name, dockerfile=asked["dockerfile"], build=Build(asked["builder"], build, verify))
    Browser(opened).run()
