"""The beginning of a context's files, read as carefully as a build reads them.

No link is followed, on the way down neither; nothing but regular files is opened.
"""

from __future__ import annotations

import os
import stat as statmod
from dataclasses import dataclass

#: Bytes of a file that are looked at.
LIMIT = 256 << 10
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class Head:
    """A regular file's size and its first :data:`LIMIT` bytes; ``data`` is None when it can't be read."""

    size: int
    data: bytes | None


def read_head(root: int, path: str, limit: int = LIMIT) -> Head | None:
    """The beginning of the context path ``path``; None when it is no regular file (any more).

    ``root`` is the descriptor of the context directory.
    """
    *parents, name = path.split("/")
    fd = os.dup(root)
    try:
        for parent in parents:
            below = os.open(parent, _DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = below
        st = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if not statmod.S_ISREG(st.st_mode):
            return None
        try:
            file = os.open(name, _FILE, dir_fd=fd)
        except PermissionError:
            return Head(st.st_size, None)
    except OSError:
        return None  # it vanished, or became something else
    finally:
        os.close(fd)
    try:
        st = os.fstat(file)
        if not statmod.S_ISREG(st.st_mode):
            return None
        return Head(st.st_size, _read(file, limit))
    except OSError:
        return Head(st.st_size, None)
    finally:
        os.close(file)


def _read(file: int, limit: int) -> bytes:
    """Up to ``limit`` bytes of an open file."""
    pieces = []
    while limit and (piece := os.read(file, limit)):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)
