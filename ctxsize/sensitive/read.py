"""The beginning of a context's files, read as carefully as a build reads them.

No link is followed, on the way down neither; nothing but regular files is opened.
"""

from __future__ import annotations

import os
import stat as statmod
from dataclasses import dataclass

from ctxsize.context.errors import ContextError
from ctxsize.context.walk import OpenTree

#: Bytes of a file that are looked at.
LIMIT = 256 << 10


@dataclass(frozen=True, slots=True)
class Head:
    """A regular file's size and its first :data:`LIMIT` bytes; ``data`` is None when it can't be read."""

    size: int
    data: bytes | None


def read_head(tree: OpenTree, path: str) -> Head | None:
    """The beginning of the context path ``path``; None when it is no regular file (any more)."""
    try:
        st = tree.lstat(path)
        if st is None or not statmod.S_ISREG(st.st_mode):
            return None
        fd = tree.open_file(path)
    except PermissionError:
        return Head(st.st_size, None) if st else None
    except (OSError, ContextError):
        return None  # it vanished, or became something else
    try:
        st = os.fstat(fd)
        if not statmod.S_ISREG(st.st_mode):
            return None
        with open(fd, "rb", closefd=False) as file:
            return Head(st.st_size, file.read(LIMIT))
    except OSError:
        return Head(st.st_size, None)
    finally:
        os.close(fd)
