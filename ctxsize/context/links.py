"""Which name of a hard-linked file its content is counted under.

Docker sends the content once. It belongs to the eligible part when any name is eligible, and to the
ignored root of its first name (in the order of the walk) when none is. That is only known when all names
were seen, so each inode with several names has a record until then.
"""

from __future__ import annotations

import os
from typing import NamedTuple

WalkKey = list[bytes]


def walk_key(path: str) -> WalkKey:
    """Sorts paths into the order of a walk."""
    return os.fsencode(path).split(b"/")


def path_of(key: WalkKey) -> str:
    """The path that :func:`walk_key` made the key of."""
    return os.fsdecode(b"/".join(key))


class Name(NamedTuple):
    """One name of an inode: its place in the walk, the number of the account it is in, and whether the
    account is of the eligible part; ``needed``, ``hidden`` and ``emptied`` as in a scan. A name that is
    hidden and ignored takes no part."""

    key: WalkKey
    account: int
    eligible: bool
    needed: bool
    hidden: bool
    emptied: bool


class Inode:
    """The names of one inode seen so far, reduced to what decides about its content."""

    __slots__ = ("eligible", "ignored", "left", "needed", "shown", "size")

    def __init__(self, size: int, names: int) -> None:
        self.size = size
        self.left = names  # names that were not seen yet
        self.eligible: Name | None = None
        self.ignored: Name | None = None
        self.needed = False
        self.shown = False  # it has a name that the variant without the ignore file has, too

    def add(self, name: Name) -> None:
        """Take note of one more name."""
        if name.eligible:
            if self.eligible is None or name.key < self.eligible.key:
                self.eligible = name
        elif self.ignored is None or name.key < self.ignored.key:
            self.ignored = name
        self.needed = self.needed or name.needed
        self.shown = self.shown or not name.hidden


class Links:
    """The inodes with several names whose names were not all seen yet."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], Inode] = {}

    def add(self, st: os.stat_result, name: Name) -> Inode | None:
        """One name of a file. Returns the inode when this was its last name, for the books."""
        identity = (st.st_dev, st.st_ino)
        inode = self._open.get(identity) or Inode(st.st_size, st.st_nlink)
        inode.add(name)
        inode.left -= 1
        if inode.left > 0:
            self._open[identity] = inode
            return None
        self._open.pop(identity, None)
        return inode

    def settle(self) -> list[Inode]:
        """The inodes that have names elsewhere: outside of the tree, or seen by another process."""
        inodes = list(self._open.values())
        self._open.clear()
        return inodes

    def merge(self, other: Links) -> None:
        """Add what another process saw, at the end of the scan."""
        for identity, theirs in other._open.items():
            ours = self._open.setdefault(identity, theirs)
            if ours is theirs:
                continue
            for name in (theirs.eligible, theirs.ignored):
                if name is not None:
                    ours.add(name)
            ours.needed = ours.needed or theirs.needed
            ours.shown = ours.shown or theirs.shown

    def renumber(self, first: int, offset: int) -> None:
        """Move the account numbers from ``first`` on by ``offset``."""
        for inode in self._open.values():
            for kind in ("eligible", "ignored"):
                name: Name | None = getattr(inode, kind)
                if name is not None and name.account >= first:
                    setattr(inode, kind, name._replace(account=name.account + offset))
