"""Edits: changes that can be made again and again, and which of them stands for work on an ignored path."""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ctxsize.context.changes import Changes
from ctxsize.rebuild.commits import Commits

#: How many files of a directory are looked at to find a small one.
_LOOK_AT = 10_000
_NEW_FILE = ".ctxsize-new-file"


@dataclass(frozen=True, slots=True)
class Lengthened:
    """A file gets one more byte each time."""

    path: str
    description: str = "one more byte"

    def next(self) -> Changes:
        """One more line end, which most file formats tolerate."""
        return Changes(appended={self.path: b"\n"})


@dataclass(slots=True)
class NewFiles:
    """A directory gets one more file each time."""

    path: str
    description: str = "a new file"
    _count: int = 0

    def next(self) -> Changes:
        """A file of one byte."""
        self._count += 1
        return Changes(replaced={f"{self.path}/{_NEW_FILE}-{self._count}": b"\n"})


#: A change that is made again and again, each time on top of the last: ``path`` is the context path that
#: changes (a file, or a directory of which several files do), ``description`` says how, for people, and
#: ``next()`` gives the change of the next time, alone.
Edit = Lengthened | NewFiles | Commits


def edit_of(
    root: Path, path: str, *, ignored: Callable[[str], bool], needed: Callable[[str], bool]
) -> Edit | None:
    """How the ignored root ``path`` of the context ``root`` changes when somebody works on the project.

    A file gets longer. A `.git` directory gets a commit. In another directory the smallest file for which
    ``ignored`` is true gets longer, preferably one that the Dockerfile takes (``needed``). None for a
    symbolic link or a special file, whose change is not simulated, and for what no commit changes: a `.git`
    that only says where the repository is.
    """
    try:
        mode = os.lstat(root / path).st_mode
    except OSError:
        return None
    if stat.S_ISREG(mode):
        return None if is_pointer(root, path) else Lengthened(path)
    if not stat.S_ISDIR(mode):
        return None
    if os.path.basename(path) == ".git" and (commits := Commits.of(root, path)) is not None:
        return commits
    files = islice(regular_files(root, path), _LOOK_AT)
    smallest = heapq.nsmallest(
        1, ((not needed(file), not size, size, file) for file, size in files if ignored(file))
    )
    return Lengthened(smallest[0][-1]) if smallest else NewFiles(path)


def is_pointer(root: Path, path: str) -> bool:
    """Whether ``path`` is the `.git` file of a worktree or a submodule."""
    return os.path.basename(path) == ".git" and os.path.isfile(root / path)


def regular_files(root: Path, directory: str) -> Iterator[tuple[str, int]]:
    """The (context path, bytes) of every regular file below ``directory``, in order of names. Links are not
    followed; what can't be read is left out."""
    pending = [directory]
    while pending:
        current = pending.pop()
        try:
            with os.scandir(root / current) as listing:
                entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        except OSError:
            continue
        below = []
        for entry in entries:
            path = f"{current}/{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False).st_size
            except OSError:
                continue
        pending.extend(reversed(below))
