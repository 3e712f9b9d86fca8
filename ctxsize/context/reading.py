"""A tree read once for several questions about it: every directory is read from the disk when it is first
asked for, and from memory afterwards.

Memory grows with the names in the tree. A scan for its own sake keeps none of them.
"""

from __future__ import annotations

import os
import stat as statmod
import time
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, cast

from ctxsize.context.errors import unreadable
from ctxsize.context.walk import OpenTree

_LISTING = 1024  # entries of a directory that are looked at (and held in memory) at once

Entries = list[os.DirEntry[str]]


class Directory(NamedTuple):
    """What is in a directory. ``sizes`` are those of all entries that are no directories, in bytes; ``odd``
    are those of them that are not regular files with one name. ``seconds`` is how long it took to read."""

    sizes: dict[str, int]
    odd: dict[str, os.stat_result]
    folders: list[str]
    seconds: float


def entries_of(tree: OpenTree, path: str) -> Iterator[Entries]:
    """The entries of the directory ``path``, a part of the listing at a time; none when it vanished.

    Raises ContextError or OSError."""
    fd = tree.open_directory(path)
    if fd is None:
        return
    try:
        with os.scandir(fd) as listing:
            while entries := list(islice(listing, _LISTING)):
                yield entries
    finally:
        os.close(fd)


class Reading:
    """The directories of a context that were read so far."""

    def __init__(self) -> None:
        self._known: dict[str, Directory] = {}

    def directory(self, tree: OpenTree, path: str) -> Directory:
        """What is in the directory ``path`` of the context, nothing when it vanished. Raises ContextError."""
        found = self._known.get(path)
        if found is None:
            try:
                found = self._known[path] = _read(tree, path)
            except OSError as error:
                raise unreadable(tree.shown(path), error) from error
        return found

    def entries(self, tree: OpenTree, path: str) -> Iterator[Entries]:
        """As :func:`entries_of`, from memory where that has them."""
        found = self.directory(tree, path)
        every = iter(
            [
                *(_Entry(name, found.odd.get(name) or _plain(size)) for name, size in found.sizes.items()),
                *(_Entry(name, None) for name in found.folders),
            ]
        )
        while some := list(islice(every, _LISTING)):
            yield cast(Entries, some)  # a scan asks no more of them than _Entry has


def _read(tree: OpenTree, path: str) -> Directory:
    start = time.perf_counter()
    found = Directory({}, {}, [], 0.0)
    for entries in entries_of(tree, path):
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found.folders.append(entry.name)
                continue
            try:
                st = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            found.sizes[entry.name] = st.st_size
            if st.st_nlink > 1 or not statmod.S_ISREG(st.st_mode):
                found.odd[entry.name] = st
    return found._replace(seconds=time.perf_counter() - start)


def _plain(size: int) -> os.stat_result:
    return os.stat_result((statmod.S_IFREG, 0, 0, 1, 0, 0, size, 0, 0, 0))


class _Entry:
    """An entry as it was read; a directory has no ``st``."""

    __slots__ = ("_st", "name")

    def __init__(self, name: str, st: os.stat_result | None) -> None:
        self.name = name
        self._st = st

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        return self._st is None

    def is_file(self, *, follow_symlinks: bool) -> bool:
        return self._st is not None and statmod.S_ISREG(self._st.st_mode)

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        assert self._st is not None  # nobody asks it of a directory
        return self._st
