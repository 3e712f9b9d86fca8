"""Views of a context for people: by directory, by extension, the largest files, what is ignored.

Pure results; drawing them is ctxsize.report's work. Views by rule and by ignored root are in the
ScanResult itself.
"""

from __future__ import annotations

import heapq
import os
import stat as statmod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ctxsize.context.totals import DirTotals, Totals
from ctxsize.context.walk import Entry, OpenTree
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Rule


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A line of a directory tree: ``depth`` is 0 for the context itself, whose ``path`` is ''."""

    path: str
    depth: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class Group:
    """What all files of one kind add up to; ``key`` is the kind: an extension with its dot, or ''."""

    key: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file that the build can't see: ``rule`` decides it, or the directory it is ignored with.

    ``bytes`` as everywhere, but of a hard-linked file the whole content, whatever its other names are.
    """

    path: str
    rule: Rule
    bytes: int

    @property
    def is_dir(self) -> bool:
        """Always False; what :class:`Entry` has, too."""
        return False


_Sized = TypeVar("_Sized", Entry, Ignored)


def tree(directories: Iterable[DirTotals], *, least: int = 0) -> tuple[TreeRow, ...]:
    """A scan's directories as a tree: each followed by what is in it, siblings by size, largest first.

    Directories of less than ``least`` bytes are left out.
    """
    below: dict[str, list[DirTotals]] = {}
    top = None
    for item in directories:
        if not item.path:
            top = item
        elif item.totals.bytes >= least:
            below.setdefault(item.path.rpartition("/")[0], []).append(item)
    rows: list[TreeRow] = []
    stack = [(top, 0)] if top is not None else []
    while stack:
        item, depth = stack.pop()
        rows.append(TreeRow(item.path, depth, item.totals))
        children = sorted(below.get(item.path, ()), key=_largest_first)
        stack.extend((child, depth + 1) for child in reversed(children))
    return tuple(rows)


def _largest_first(item: DirTotals) -> tuple[int, bytes]:
    return -item.totals.bytes, os.fsencode(item.path)


def by_extension(entries: Iterable[Entry] | Iterable[Ignored]) -> tuple[Group, ...]:
    """The entries that are not directories by extension (``.gz`` of ``a.tar.gz``), the largest sum first."""
    sums: dict[str, list[int]] = {}
    for entry in entries:
        if not entry.is_dir:
            row = sums.setdefault(PurePosixPath(entry.path).suffix, [0, 0])
            row[0] += 1
            row[1] += entry.bytes
    groups = [Group(key, Totals(files, 0, size)) for key, (files, size) in sums.items()]
    return tuple(sorted(groups, key=lambda group: (-group.totals.bytes, -group.totals.files, group.key)))


def largest(entries: Iterable[_Sized], count: int) -> tuple[_Sized, ...]:
    """The ``count`` entries with the most bytes, the largest first, then in the order of the walk.

    Memory grows with ``count`` alone.
    """
    return tuple(heapq.nlargest(count, (entry for entry in entries if entry.bytes), key=lambda e: e.bytes))


def ignored(root: Path | str, matcher: Matcher, *, hidden: frozenset[str] = frozenset()) -> Iterator[Ignored]:
    """Yield every entry (but directories) that the rules keep out, in the order of the walk.

    ``hidden`` paths are left out. Raises as :func:`ctxsize.context.walk.walk`.
    """
    with OpenTree(root) as opened:
        # Of each directory on the way down: its path with a '/', the names to come, its state, and the
        # rule that ignores all of it.
        stack: list[tuple[str, Iterator[str], DirState | None, Rule | None]]
        stack = [("", iter(opened.names("")), matcher.start(), None)]
        while stack:
            prefix, names, state, rule = stack[-1]
            name = next(names, None)
            if name is None:
                stack.pop()
                continue
            path = prefix + name
            st = opened.lstat(path)
            if st is None:
                continue
            below, decides = None, rule
            if state is not None:
                outcome = state.outcome(name)
                decides = outcome.rule if outcome.ignored else None
                if not (outcome.ignored and outcome.prunable):
                    below = state.child(name, outcome)
                    if below.sink and not outcome.ignored:
                        below = None
            if statmod.S_ISDIR(st.st_mode):
                if decides is not None or below is not None:
                    stack.append((path + "/", iter(opened.names(path)), below, decides))
            elif decides is not None and path not in hidden:
                sized = statmod.S_ISREG(st.st_mode) or statmod.S_ISLNK(st.st_mode)
                yield Ignored(path, decides, st.st_size if sized else 0)
