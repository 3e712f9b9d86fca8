"""Options that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ctxsize.errors import UsageError
from ctxsize.progress import Progress, Silent, Terminal, Verbose

if TYPE_CHECKING:
    from ctxsize.engine.options import BuildOptions

_Command = TypeVar("_Command", bound=Callable[..., Any])

PATH = click.argument("path", type=click.Path(file_okay=False), default=".", required=False)
DOCKERFILE = click.option(
    "-f",
    "--file",
    "dockerfile",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The Dockerfile (default: PATH/Dockerfile); may lie outside the context.",
)
TARGET = click.option("--target", metavar="STAGE", help="Build this stage.")
BUILD_ARGS = click.option(
    "--build-arg",
    "build_args",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A build argument; NAME alone takes its value from the environment. Repeatable.",
)
OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    metavar="FILE",
    help="Write the report here (default: -, standard output).",
)
QUIET = click.option("-q", "--quiet", is_flag=True, help="No progress, no notes: results and errors only.")
DIALECT = click.option(
    "--builder",
    type=click.Choice(["buildkit", "classic"]),
    default="buildkit",
    show_default=True,
    help="Whose reading of the ignore file applies.",
)


BUILDER = click.option(
    "--builder",
    type=click.Choice(["auto", "buildkit", "buildkit-upload", "classic"]),
    default="auto",
    show_default=True,
    help="Which builder measures; auto takes BuildKit where the engine has it.",
)


def build_options(command: _Command) -> _Command:
    """The options of ``docker build`` that a measurement passes on."""
    options = [
        click.option("--pull", is_flag=True, help="Pull newer base images first."),
        click.option(
            "--no-cache", is_flag=True, help="Run every step for real, not only those the context touches."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return rebuild_options(command)


def rebuild_options(command: _Command) -> _Command:
    """As ``build_options``, without those that say what the cache is good for."""
    options = [
        DOCKERFILE,
        TARGET,
        BUILD_ARGS,
        click.option("--platform", metavar="PLATFORM", help="Build for this platform, e.g. linux/arm64."),
        click.option(
            "--label", "labels", multiple=True, metavar="NAME[=VALUE]", help="A label for the images."
        ),
        click.option("--network", metavar="MODE", help="The network of RUN steps: default, none or host."),
        click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="id=ID[,src=FILE|,env=NAME]",
            help="A secret for RUN --mount=type=secret (BuildKit). Repeatable.",
        ),
        click.option(
            "--ssh",
            multiple=True,
            metavar="default|ID=SOCKET",
            help="An SSH agent for RUN --mount=type=ssh (BuildKit). Repeatable.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def given_build_options(*, build_args: Iterable[str], labels: Iterable[str], **others: Any) -> BuildOptions:
    """What the user gave to the options of ``build_options`` or ``rebuild_options``; ``others`` are those
    whose names and values BuildOptions has, too."""
    from ctxsize.engine.options import BuildOptions

    return BuildOptions(
        build_args=pairs(build_args, from_environment=True),
        labels={name: value or "" for name, value in pairs(labels, from_environment=False).items()},
        **others,
    )


def output_options(command: _Command) -> _Command:
    """How much is said, and where."""
    options = [
        OUTPUT,
        QUIET,
        click.option("-v", "--verbose", is_flag=True, help="Show every step and the builder's log."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def pairs(values: Iterable[str], *, from_environment: bool) -> dict[str, str | None]:
    """``NAME=VALUE`` words as a mapping; NAME alone is the environment's value, or empty for a label."""
    found: dict[str, str | None] = {}
    for word in values:
        name, separator, value = word.partition("=")
        if not name:
            raise click.BadParameter("a value without a name: write NAME=VALUE")
        if separator:
            found[name] = value
        else:
            found[name] = os.environ.get(name) if from_environment else ""
    return found


def make_progress(*, quiet: bool, verbose: bool) -> Progress:
    """What shows the work on stderr: nothing unless that is a terminal or everything is asked for."""
    if quiet:
        return Silent()
    if verbose:
        return Verbose()
    return Terminal() if sys.stderr.isatty() else Silent()


def use_colour(output: str) -> bool:
    """Whether the report may have colours: a terminal, and no NO_COLOR (no-color.org)."""
    return output == "-" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def write_pieces(pieces: Iterable[str], output: str) -> None:
    """Write a report that comes in pieces to the file ``output``, or to standard output for ``-``.

    Surrogates become the bytes they stand for. Nothing is opened before the first piece is there, so that
    what goes wrong at first leaves the file as it was. Raises UsageError when it can't be written.
    """
    pieces = iter(pieces)
    first = next(pieces, "")
    try:
        with click.open_file(output, "wb") as file:
            for piece in chain([first], pieces):
                file.write(piece.encode("utf-8", "surrogateescape"))
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=output) from error


def write_report(text: str, output: str) -> None:
    """Write ``text`` to the file ``output``, or to standard output for ``-``.

    A measurement takes long: when the file can't be written its report goes to standard output instead,
    and then UsageError is raised.
    """
    try:
        write_pieces([text], output)
    except UsageError:
        write_pieces([text], "-")
        raise
