"""What becomes of every entry of an image's layers: whether the final file system shows it, or which layer
buried it and how. Pure: rows in, fates out, in one pass in the order of their paths.

A layer buries what lower ones have at a path by an entry of its own (unless both are directories) or by a
whiteout; an opaque directory buries all that lower layers have in it, and whatever is not a directory all
that they have below it. As overlayfs and the OCI image specification have it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal, NamedTuple

from ctxsize.files.tarlist import changed_meta
from ctxsize.image.entries import DIRECTORY, ENTRY, OTHER, WHITEOUT, Row

Cause = Literal["same-content", "replaced", "removed", "opaque", "type-changed"]
_position = attrgetter("position")


class Fate(NamedTuple):
    """An entry, and the position of the layer that buried it, None when the final file system shows it.

    ``changed`` says, for a cause of ``same-content``, what differs: ``mode``, ``owner``, ``time``; nothing
    where only extended attributes do, or nothing at all. ``mode`` is then that of the copy.
    """

    row: Row
    buried_by: int | None = None
    cause: Cause | None = None
    changed: tuple[str, ...] = ()
    mode: bytes = b""


class _Cover(NamedTuple):
    """What hides things of layers below ``position``."""

    position: int
    cause: Cause


@dataclass(slots=True)
class _Node:
    """A path whose descendants may still come. ``inherited`` is what hides it, ``below`` what hides its
    descendants, both by position; ``implied`` are layers that have something in it."""

    path: bytes
    entries: Sequence[Row]
    removed: Sequence[int]
    inherited: Sequence[_Cover]
    below: Sequence[_Cover]
    bare: bool  # some layer has something else here than a directory
    implied: set[int] = field(default_factory=set)

    def holds(self, path: bytes) -> bool:
        return not self.path or path.startswith(self.path + b"\0")


def fates(rows: Iterable[Row]) -> Iterator[Fate]:
    """The fate of every entry, of rows as Inventory gives them."""
    stack = [_Node(b"", (), (), (), (), bare=False)]
    bare: list[_Node] = []  # those of the stack that are
    for found, following in _by_path(rows):
        path = found[0].path
        while not stack[-1].holds(path):
            node = stack.pop()
            if node.bare:
                bare.pop()
            yield from _ended(node)
        for above in bare:
            above.implied.update(row.position for row in found if row.mark == ENTRY)
        first, below = found[0], stack[-1].below
        if len(found) > 1 or first.mark != ENTRY:
            node = _node(path, found, below)
        elif first.kind == DIRECTORY:
            node = _Node(path, found, (), below, below, bare=False)
        elif not below and not following.startswith(path):
            yield Fate(first)  # most are files that one layer has, in directories that nothing hides
            continue
        else:
            node = _node(path, found, below)
        stack.append(node)
        if node.bare:
            bare.append(node)
    while stack:
        yield from _ended(stack.pop())


def _by_path(rows: Iterable[Row]) -> Iterator[tuple[list[Row], bytes]]:
    """The rows of each path, and the path that comes after."""
    found: list[Row] = []
    path = None
    for row in rows:
        if row.path != path:
            if found:
                yield found, row.path
            found, path = [], row.path
        found.append(row)
    if found:
        yield found, b""


def _node(path: bytes, rows: Sequence[Row], inherited: Sequence[_Cover]) -> _Node:
    entries = sorted((row for row in rows if row.mark == ENTRY), key=_position)
    removed = sorted(row.position for row in rows if row.mark == WHITEOUT)
    own = [_Cover(row.position, "type-changed") for row in entries if row.kind != DIRECTORY]
    bare = bool(own)
    own += [_Cover(position, "removed") for position in removed]
    own += [_Cover(row.position, "opaque") for row in rows if row.mark not in (ENTRY, WHITEOUT)]
    # Where one layer hides in several ways, the nearest says how.
    below = sorted([*own, *inherited], key=_position) if own else inherited
    return _Node(path, entries, removed, inherited, below, bare)


def _ended(node: _Node) -> Iterator[Fate]:
    implied = sorted(node.implied) if node.bare else ()
    for index, row in enumerate(node.entries):
        yield _fate(row, node, index + 1, implied)


def _fate(row: Row, node: _Node, following: int, implied: Sequence[int]) -> Fate:
    best = Fate(row)
    for after in node.entries[following:]:
        if row.kind != DIRECTORY or after.kind != DIRECTORY:
            best = _replaced(row, after)
            break
    others: list[_Cover] = []
    if row.kind != DIRECTORY and (at := bisect_right(implied, row.position)) < len(implied):
        others.append(_Cover(implied[at], "type-changed"))
    if (at := bisect_right(node.removed, row.position)) < len(node.removed):
        others.append(_Cover(node.removed[at], "removed"))
    if node.inherited:
        at = bisect_right(node.inherited, row.position, key=_position)
        others += node.inherited[at : at + 1]
    for cover in others:
        if best.buried_by is None or cover.position < best.buried_by:
            best = Fate(row, cover.position, cover.cause)
    return best


def _replaced(row: Row, after: Row) -> Fate:
    if row.type != after.type:
        return Fate(row, after.position, "type-changed")
    if row.type == OTHER or (row.hash, row.size) != (after.hash, after.size):
        return Fate(row, after.position, "replaced")
    changed = changed_meta(row.meta, after.meta)
    return Fate(row, after.position, "same-content", changed, after.meta[:8] if "mode" in changed else b"")
