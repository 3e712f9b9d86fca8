"""Where ctxsize keeps files of its own: outside every tree it measures, whatever HOME and XDG say.

What we write into a context while it is measured would be sent, copied and counted. So a place inside a
measured tree is passed over, and so is one where nothing can be written; then a private folder for temporary
files takes its place.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat as statmod
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_STATE = ("XDG_STATE_HOME", ".local/state")
_CACHE = ("XDG_CACHE_HOME", ".cache")
#: Where else temporary files go, when the usual place lies in a measured tree.
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  (each user has a folder, which must be private)

#: The trees that this process measures: links are resolved.
_measured: set[Path] = set()


class Folder(NamedTuple):
    """A folder for our own files. ``temporary``: not the one that the environment names."""

    path: Path
    temporary: bool


def keep_out_of(context: Path) -> None:
    """From now on nothing of ours is written in ``context`` or below it."""
    _measured.add(context.resolve())


def state_folders() -> list[Folder]:
    """Where state may lie, whatever is measured: what one run wrote down, the next finds in one of these."""
    return list(_folders(*_STATE))


def state_folder() -> Folder:
    """Where this process writes its state. It is made when it is not there and can be; when none can be
    written, it is the first."""
    return _first_usable(*_STATE)


def cache_folder() -> Folder:
    """Where this process keeps what it would otherwise compute again; see :func:`state_folder`."""
    return _first_usable(*_CACHE)


def temporary_directory() -> str:
    """Where to make temporary files: the usual place, unless it lies in a measured tree."""
    places = _temporary()
    outside = (place for place in places if not is_measured(Path(place)))
    return next((place for place in outside if os.access(place, os.W_OK | os.X_OK)), places[0])


def _temporary() -> list[str]:
    """Where temporary files may go, the usual place first. ``tempfile.gettempdir()`` would try to write
    there, which changes the time of a directory that may be measured."""
    named = tempfile.tempdir or os.environ.get("TMPDIR", "")
    return list(dict.fromkeys(([named] if os.path.isabs(named) else []) + list(_TEMPORARY)))


def _first_usable(variable: str, below_home: str) -> Folder:
    folders = list(_folders(variable, below_home))
    outside = [folder for folder in folders if not is_measured(folder.path)]
    return next((folder for folder in outside if _usable(folder)), (outside or folders)[0])


def _folders(variable: str, below_home: str) -> Iterator[Folder]:
    """The candidates, the best first; see the XDG base directory specification: a path that is not absolute
    counts for nothing."""
    base = os.environ.get(variable, "")
    home = _home()
    if os.path.isabs(base):
        yield Folder(Path(base, "ctxsize"), temporary=False)
    elif home is not None:
        yield Folder(Path(home, below_home, "ctxsize"), temporary=False)
    for place in _temporary():
        # The same for all runs of a user, so that the next one finds what a killed one left.
        yield Folder(Path(place, f"ctxsize-{os.getuid()}", below_home.rpartition("/")[2]), temporary=True)


def _home() -> str | None:
    """The user's home directory; None when nobody knows an absolute one."""
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home):
        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:  # as in a container that runs under a number
            return None
    return home if os.path.isabs(home) else None


def is_measured(path: Path) -> bool:
    """Whether ``path`` lies in a tree that this process measures."""
    resolved = Path(os.path.realpath(path))
    return any(resolved.is_relative_to(context) for context in _measured)


def _usable(folder: Folder) -> bool:
    """Whether we may write there. Where strangers may write, too, the folder must be ours alone."""
    try:
        if folder.temporary:
            private = folder.path.parent
            private.mkdir(mode=0o700, exist_ok=True)
            st = private.lstat()
            if not statmod.S_ISDIR(st.st_mode) or st.st_uid != os.getuid() or st.st_mode & 0o077:
                return False
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return error.errno == errno.ENOSPC  # that is for the user to hear of
    return os.access(folder.path, os.W_OK | os.X_OK)
