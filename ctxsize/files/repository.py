"""Reading the files by which a repository says what is to be done: Dockerfiles, ignore files, configuration.

Whoever wrote the repository may have made any of them a link to the environment of this process, a pipe that
nobody writes to, or a device without an end. So all of them are read here: inside a root, regular, bounded.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing

from ctxsize.files.beneath import Beneath

#: Bytes of a Dockerfile, of an ignore file, of a configuration, Compose or environment file, and of a
#: ``pyproject.toml``, which need not be about us, that are read.
MOST_DOCKERFILE = 1 << 20
MOST_IGNORE_FILE = 4 << 20
MOST_CONFIGURATION = 1 << 18
MOST_PYPROJECT = 1 << 20
_MOST_LINKS = 40


class Refused(OSError):
    """A file that is there, or could be, and is not read; ``strerror`` says why, as that of any OSError."""


def read_file(root: str | os.PathLike[str], name: str | os.PathLike[str], most: int) -> bytes:
    """The content of the file ``name`` in the directory ``root``: a regular one of at most ``most`` bytes.

    ``name`` is relative to ``root``, or absolute. Symbolic links below ``root`` are followed as long as
    they stay there. Raises Refused, and OSError where there is no such file or it can't be read.
    """
    try:
        with closing(Beneath(root)) as tree:
            path = _resolved(tree, root, os.fspath(name))
            fd = tree.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except ValueError as error:
        raise Refused(errno.EINVAL, "no file can have such a name") from error
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise _irregular()
        data = file.read(most + 1)
    if len(data) > most:
        shown = f"{most >> 20} MiB" if most >> 20 else f"{most >> 10} KiB"
        raise Refused(errno.EFBIG, f"it is larger than {shown}")
    return data


def is_beneath(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is ``root`` or lies below it once all links are followed; it need not exist."""
    real = os.path.realpath(root)
    try:
        return os.path.commonpath([real, os.path.realpath(path)]) == real
    except ValueError:  # no path can be so
        return False


def _resolved(tree: Beneath, root: str | os.PathLike[str], name: str) -> str:
    """``name`` without links, in ``tree``, which is ``root`` opened."""
    done: list[str] = []
    ahead = _below(root, name) if name.startswith("/") else name.split("/")[::-1]
    links = 0
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                raise _leads_out(root)
            done.pop()
            continue
        here = "/".join([*done, part])
        mode = tree.lstat(here).st_mode
        if not stat.S_ISLNK(mode):
            if not ahead and not stat.S_ISREG(mode):
                raise _irregular()  # opening a device can do something
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = tree.readlink(here)
        if target.startswith("/"):
            done.clear()
            ahead += _below(root, target)
        else:
            ahead += target.split("/")[::-1]
    return "/".join(done)


def _below(root: str | os.PathLike[str], path: str) -> list[str]:
    """The parts of an absolute ``path`` below ``root``, the last one first. Raises Refused."""
    for top in dict.fromkeys((os.path.abspath(root), os.path.realpath(root))):
        if path == top or path.startswith(top.rstrip("/") + "/"):
            return path[len(top) :].split("/")[::-1]
    raise _leads_out(root)


def _leads_out(root: str | os.PathLike[str]) -> Refused:
    return Refused(errno.EXDEV, f"it leads out of {os.path.abspath(root)}, which is not followed")


def _irregular() -> Refused:
    return Refused(errno.EINVAL, "it is not a regular file")
