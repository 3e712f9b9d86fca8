"""``ctxsize docker-plugin``: make ``docker ctxsize`` work, or undo that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ctxsize.errors import UsageError
from ctxsize.text import printable

#: The Docker CLI takes what follows ``docker-`` for the command's name.
PROGRAM = "docker-ctxsize"

_DIRECTORY = click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the Docker CLI looks for plugins (default: cli-plugins in $DOCKER_CONFIG or ~/.docker).",
)


_EXAMPLES = """\b
Examples:
  ctxsize docker-plugin install
  ctxsize docker-plugin install --directory /usr/libexec/docker/cli-plugins   for all users
  ctxsize docker-plugin remove
"""


@click.group("docker-plugin", epilog=_EXAMPLES)
def docker_plugin() -> None:
    """Use ctxsize as `docker ctxsize`."""


@docker_plugin.command(epilog=_EXAMPLES)
@_DIRECTORY
def install(directory: Path | None) -> None:
    """Link this installation into the Docker CLI's plugins.

    Run it again after you install ctxsize somewhere else. Only a link made by this command is replaced.
    """
    link = _link(directory)
    program = installed_program()
    _check_ours(link)
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(program)
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=str(link)) from error
    click.echo(printable(f"docker ctxsize is there: {link} -> {program}"))


@docker_plugin.command(epilog=_EXAMPLES)
@_DIRECTORY
def remove(directory: Path | None) -> None:
    """Remove the link that install made."""
    link = _link(directory)
    if not os.path.lexists(link):
        click.echo(printable(f"nothing to remove: there is no {link}"))
        return
    _check_ours(link)
    try:
        link.unlink()
    except OSError as error:
        raise UsageError(f"can't be removed: {error.strerror}", where=str(link)) from error
    click.echo(printable(f"removed {link}"))


def installed_program() -> Path:
    """The ``docker-ctxsize`` that the installer of this package made. Raises UsageError without one."""
    # Imported here: no other command needs it.
    from importlib.metadata import distributions

    # What lies in the current directory may be a stranger's, and is not what is installed.
    path = [folder for folder in sys.path if folder and os.path.realpath(folder) != os.path.realpath(".")]
    # More than one where a source tree with its own metadata comes first on the path.
    for installed in distributions(name="ctxsize", path=path):
        for file in installed.files or []:
            if file.name == PROGRAM:
                return Path(os.path.abspath(str(file.locate())))
    raise UsageError(f"this installation has no program {PROGRAM}", hint="install ctxsize with pip or pipx")


def _link(directory: Path | None) -> Path:
    config = os.environ.get("DOCKER_CONFIG")
    folder = directory or (Path(config) if config else Path.home() / ".docker") / "cli-plugins"
    return folder / PROGRAM


def _check_ours(link: Path) -> None:
    """Raise UsageError where there is anything but a link to a program of that name."""
    if os.path.lexists(link) and not (link.is_symlink() and link.readlink().name == PROGRAM):
        raise UsageError("not a link made by ctxsize", where=str(link), hint="remove it yourself if you may")
