"""The walk over a build context: its entries with what the rules say of them, and those a variant sends.

The order is byte order of the names within each directory, depth first, a directory before its
content (Go's ``filepath.WalkDir``, which both official clients use). Symbolic links are never
followed. Memory holds one listing per directory on the way down, plus one record per inode that has
further names still to come.
"""

from __future__ import annotations

import os
import stat as statmod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ctxsize.context.errors import ContextError, changed, unreadable
from ctxsize.files.beneath import Beneath
from ctxsize.ignore.types import Dialect

if TYPE_CHECKING:
    from ctxsize.ignore.automaton import DirState
    from ctxsize.ignore.matcher import Matcher
    from ctxsize.ignore.table import Outcome

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a context as it is sent.

    ``path`` is relative to the context, '/'-separated, decoded with :func:`os.fsdecode`. ``stat`` is
    its ``lstat``. ``target`` is what a symbolic link points to, else None. ``hardlink_to`` is the path
    this walk gave the same inode first, or None when this is its first name; the content is sent once,
    under that first name. ``emptied``: BuildKit delivers this file with 0 bytes (see
    docs/ignore-files.md), whatever its size in the tree.
    """

    path: str
    stat: os.stat_result
    target: str | None = None
    hardlink_to: str | None = None
    emptied: bool = False

    @property
    def is_dir(self) -> bool:
        return statmod.S_ISDIR(self.stat.st_mode)

    @property
    def bytes(self) -> int:
        """The bytes this entry adds to a context: file content at its first name, a link's target."""
        if self.emptied or self.hardlink_to is not None:
            return 0
        mode = self.stat.st_mode
        return self.stat.st_size if statmod.S_ISREG(mode) or statmod.S_ISLNK(mode) else 0


class OpenTree:
    """An open context directory, in which paths are looked up relative to its descriptor.

    Use it as a context manager. Looking up by descriptor keeps deep trees readable whose absolute
    path would be too long for the system. What is sent to a builder is looked up beneath the root only
    (see ctxsize.files.beneath); ``open_directory``, for scans that only count, looks at the last
    name alone.
    """

    def __init__(self, root: Path | str) -> None:
        """Open ``root``. Raises :class:`ContextError` when it is not a directory that can be read."""
        self.root = os.fspath(root)
        try:
            self.fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ContextError("there is no such directory", where=self.root) from error
        except NotADirectoryError as error:
            raise ContextError("the build context is not a directory", where=self.root) from error
        except OSError as error:
            raise unreadable(self.root, error) from error
        self._beneath = Beneath(self.fd)

    def __enter__(self) -> OpenTree:
        return self

    def __exit__(self, *error: object) -> None:
        self._beneath.close()
        os.close(self.fd)

    def shown(self, path: str) -> str:
        """``path`` as the user would type it."""
        return f"{self.root.rstrip('/')}/{path}" if path else self.root

    def open_directory(self, path: str) -> int | None:
        """A descriptor of the directory ``path`` ("" is the root), or None when it vanished."""
        try:
            return os.open(path or ".", _OPEN_DIRECTORY, dir_fd=self.fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unlisted(path, error) from error

    def names(self, path: str) -> list[str]:
        """The names in the directory ``path`` in byte order; none when it vanished."""
        try:
            fd = self._beneath.open_directory(path)
            try:
                names = os.listdir(fd)
            finally:
                os.close(fd)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unlisted(path, error) from error
        names.sort(key=os.fsencode)
        return names

    def _unlisted(self, path: str, error: OSError) -> ContextError:
        """The error for a directory that the system refused with ``error``."""
        if isinstance(error, NotADirectoryError):
            return changed(self.shown(path), "stopped being a directory")
        return unreadable(self.shown(path), error)

    def lstat(self, path: str) -> os.stat_result | None:
        """The ``lstat`` of ``path``, or None when it vanished."""
        try:
            return self._beneath.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(self.shown(path), error) from error

    def readlink(self, path: str) -> str | None:
        """Where the symbolic link ``path`` points to, or None when it vanished."""
        try:
            return self._beneath.readlink(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(self.shown(path), error) from error

    def open_file(self, path: str) -> int:
        """A descriptor to read ``path`` with, that never waits. Raises OSError."""
        return self._beneath.open(path, os.O_RDONLY | os.O_NONBLOCK)


class Visit(NamedTuple):
    """An entry of a tree and what the rules say of it; without ``outcome`` it and all below it is kept."""

    path: str
    stat: os.stat_result
    outcome: Outcome | None

    @property
    def is_dir(self) -> bool:
        return statmod.S_ISDIR(self.stat.st_mode)

    @property
    def ignored(self) -> bool:
        return self.outcome is not None and self.outcome.ignored


def visit(
    tree: OpenTree,
    state: DirState | None,
    *,
    hopeless: bool = False,
    enters: Callable[[Visit, DirState | None], bool] = lambda entry, below: True,
) -> Iterator[Visit]:
    """Yield what is in the directory of ``state`` (None: the root, and nothing is ignored) and below it.

    The order is Docker's. What is ignored together with all below it is passed over, unless ``hopeless`` asks
    for it. ``enters`` says whether to go into a directory that was yielded; it is given its state, None when
    all in it is kept. Entries that vanish are left out, and so is what is in an ignored directory that may
    not be read. Raises :class:`ContextError` naming another directory that can't be read, and
    IgnoreFileError where Docker fails on a broken rule.
    """
    stack = [_Level(tree, state.path if state is not None else "", state)]
    while stack:
        level = stack[-1]
        name = next(level.names, None)
        if name is None:
            stack.pop()
            continue
        outcome = level.outcome(name)
        if not hopeless and outcome is not None and outcome.ignored and outcome.prunable:
            continue
        path = level.prefix + name
        st = tree.lstat(path)
        if st is None:
            continue
        entry = Visit(path, st, outcome)
        yield entry
        if statmod.S_ISDIR(st.st_mode):
            below = if_it_matters(level.state.child(name, outcome)) if level.state is not None else None
            if enters(entry, below):
                stack.append(_Level(tree, path + "/", below, lenient=hopeless or entry.ignored))


def keeps_something(tree: OpenTree, rules: Matcher, directory: str) -> bool:
    """Whether an ignored directory arrives because of what is kept in it; the first such thing is enough.

    Raises as :func:`visit`.
    """
    state = rules.start()
    for name in directory.split("/"):
        outcome = state.outcome(name)
        if outcome.ignored and outcome.prunable:
            return False
        state = state.child(name, outcome)
    return any(not entry.ignored for entry in visit(tree, state))


def walk(
    root: Path | str, matcher: Matcher | None, *, hidden: frozenset[str] = frozenset()
) -> Iterator[Entry]:
    """Yield what is sent of the context ``root``: everything, or what ``matcher`` keeps.

    ``hidden`` are paths of files treated as not existing: the ``without`` variant hides the ignore file.

    The matcher's dialect decides what the walkers around it differ in: of an ignored directory that has
    something kept in it, BuildKit's client sends the entry, too, and the classic client only what is
    kept; sockets never reach a classic build.

    An entry that vanishes during the walk is left out, as the official clients do. Raises as :func:`visit`,
    and :class:`ContextError` naming the link that can't be read.
    """
    classic = matcher is not None and matcher.dialect is Dialect.CLASSIC
    with OpenTree(root) as tree:
        links = _Links()
        pending: list[Visit] = []  # ignored directories on the way down that were not sent (yet)
        for seen in visit(tree, matcher.start() if matcher else None):
            while pending and not seen.path.startswith(f"{pending[-1].path}/"):
                pending.pop()
            if seen.ignored:
                if seen.is_dir:
                    pending.append(seen)
                continue
            if seen.path in hidden and not seen.is_dir:
                continue
            if classic and statmod.S_ISSOCK(seen.stat.st_mode):
                continue
            entry = _entry(tree, links, seen)
            if entry is None:
                continue
            if not classic:
                yield from (Entry(above.path, above.stat) for above in pending)
            pending.clear()
            yield entry


def if_it_matters(state: DirState | None) -> DirState | None:
    """The state, or None when everything below it is simply kept."""
    if state is None or (state.sink and not state.default.ignored and not state.default.emptied):
        return None
    return state


class _Level:
    """A directory on the way down: the names still to come, and what the rules do to them."""

    __slots__ = ("names", "prefix", "special", "state")

    def __init__(self, tree: OpenTree, prefix: str, state: DirState | None, *, lenient: bool = False) -> None:
        try:
            names = tree.names(prefix[:-1])
        except ContextError as error:
            if not lenient or not isinstance(error.__cause__, PermissionError):
                raise
            names = []
        self.prefix = prefix
        self.names = iter(names)
        self.state = if_it_matters(state)
        self.special: Mapping[str, Outcome] = self.state.special(names) if self.state else {}

    def outcome(self, name: str) -> Outcome | None:
        """What the rules do to ``name``; None when it and all below it is kept."""
        return self.special.get(name, self.state.default) if self.state else None


class _Links:
    """Which inodes with several names were sent already, under which name, and whether emptied."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, int], tuple[str, bool]] = {}
        self._left: dict[tuple[int, int], int] = {}

    def first(self, path: str, st: os.stat_result, emptied: bool) -> tuple[str, bool] | None:
        """The (path, emptied) under which this inode was sent before; None the first time."""
        inode = (st.st_dev, st.st_ino)
        known = self._first.get(inode)
        if known is None:
            self._first[inode] = (path, emptied)
            self._left[inode] = st.st_nlink - 1
            return None
        self._left[inode] -= 1
        if self._left[inode] <= 0:
            del self._first[inode], self._left[inode]
        return known


def _entry(tree: OpenTree, links: _Links, seen: Visit) -> Entry | None:
    """The entry that is sent; None when it is a link that vanished."""
    path, st = seen.path, seen.stat
    if statmod.S_ISLNK(st.st_mode):
        target = tree.readlink(path)
        return None if target is None else Entry(path, st, target)
    emptied = seen.outcome is not None and seen.outcome.emptied
    if statmod.S_ISREG(st.st_mode):
        first = links.first(path, st, emptied) if st.st_nlink > 1 else None
        if first is not None:
            return Entry(path, st, None, first[0], first[1])
        return Entry(path, st, emptied=emptied)
    return Entry(path, st)
