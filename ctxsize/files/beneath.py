"""Looking things up below a directory without ever leaving it.

A path is followed one directory at a time, and none of them may be a symbolic link: whoever swaps a
directory for a link while a build reads the tree gets an error, not what the link leads to.
"""

from __future__ import annotations

import errno
import os
import threading
import weakref
from collections.abc import Callable
from typing import NamedTuple, TypeVar

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Directories kept open on the way down. A tree can be deeper than a process may have files open.
_MOST_OPEN = 32
_CLOSED = -1
_DESCRIPTORS = "/proc/self/fd"
_HAS_DESCRIPTORS = os.path.isdir(_DESCRIPTORS)
_T = TypeVar("_T")


class Listed(NamedTuple):
    """A name in a directory, and whether it is a directory itself (a link to one is not)."""

    name: str
    is_dir: bool


class Beneath:
    """A directory, in which paths are relative, '/'-separated, and "" is itself.

    Keeps the directories on the way to the last path open, so that a walk opens each about once. Several
    threads may share it. All methods raise OSError with ``filename`` the path that was given:
    NotADirectoryError where a link stands in the way, FileNotFoundError for ``..``.
    """

    def __init__(self, root: str | os.PathLike[str] | int) -> None:
        """Open ``root``; a descriptor is duplicated."""
        first = os.dup(root) if isinstance(root, int) else os.open(root, _OPEN_DIRECTORY & ~os.O_NOFOLLOW)
        self._fds = [first]
        self._names: list[str] = []
        self._path = ""
        self._root = "" if isinstance(root, int) else os.fspath(root)
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._fds)

    def close(self) -> None:
        """Close it; nothing may be looked up any more."""
        self._finalizer()

    def open(self, path: str, flags: int) -> int:
        """A new descriptor of ``path``, which must not be a symbolic link."""
        return self._at(path, lambda fd, name: os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd))

    def open_directory(self, path: str) -> int:
        """A new descriptor of the directory ``path``."""
        return self.open(path, _OPEN_DIRECTORY)

    def lstat(self, path: str) -> os.stat_result:
        """The ``lstat`` of ``path``."""
        return self._at(path, lambda fd, name: os.stat(name, dir_fd=fd, follow_symlinks=False))

    def readlink(self, path: str) -> str:
        """Where the symbolic link ``path`` points to."""
        return self._at(path, lambda fd, name: os.readlink(name, dir_fd=fd))

    def entries(self, path: str) -> list[Listed]:
        """What is in the directory ``path``, in no order."""
        fd = self.open_directory(path)
        try:
            with os.scandir(fd) as entries:
                return [Listed(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            error.filename = path
            raise
        finally:
            os.close(fd)

    def named(self, path: str, read: Callable[[str], _T]) -> _T:
        """What ``read`` makes of a name for ``path`` that can't be led astray, for calls that know no
        descriptors; where the system has no such names it is given the plain one."""

        def by_descriptor(fd: int, name: str) -> _T:
            if _HAS_DESCRIPTORS:
                return read(f"{_DESCRIPTORS}/{fd}/{name}")
            return read(os.path.join(self._root, path))

        return self._at(path, by_descriptor)

    def _at(self, path: str, look: Callable[[int, str], _T]) -> _T:
        directory, _, name = path.rpartition("/")
        with self._lock:
            try:
                if name == "..":
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
                if directory != self._path:
                    self._go(directory)
                return look(self._fds[-1], name or ".")
            except OSError as error:
                error.filename = path
                raise

    def _go(self, directory: str) -> None:
        """Make ``directory`` the last one on the way down."""
        wanted = [name for name in directory.split("/") if name not in ("", ".")]
        keep = 0
        for name, other in zip(self._names, wanted, strict=False):
            if name != other:
                break
            keep += 1
        if self._fds[keep] == _CLOSED:
            keep = 0
        try:
            _close_all(self._fds, keep + 1)
            del self._names[keep:]
            for name in wanted[keep:]:
                if name == "..":
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
                self._fds.append(os.open(name, _OPEN_DIRECTORY, dir_fd=self._fds[-1]))
                self._names.append(name)
                far = len(self._fds) - 1 - _MOST_OPEN
                if far > 0:
                    os.close(self._fds[far])
                    self._fds[far] = _CLOSED
        finally:
            self._path = "/".join(self._names)


def _close_all(fds: list[int], start: int = 0) -> None:
    """Close and forget the descriptors from ``start`` on."""
    while len(fds) > start:
        fd = fds.pop()
        if fd != _CLOSED:
            os.close(fd)
