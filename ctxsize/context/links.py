"""Which name of a hard-linked file its content is counted under.

Docker sends the content once. It belongs to the eligible part when any name is eligible, and to the
ignored root of its first name (in the order of the walk) when none is. That is only known when all names
were seen, so each inode with several names has a record until then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

WalkKey = list[bytes]


def walk_key(path: str) -> WalkKey:
    """Sorts paths into the order of a walk."""
    return os.fsencode(path).split(b"/")


class Name(NamedTuple):
    """One name of an inode: its place in the walk, the number of the account it is in, and whether the
    account is of the eligible part; ``needed``, ``hidden`` and ``emptied`` as in a scan."""

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
        self.left = names
        self.eligible: Name | None = None
        self.ignored: Name | None = None
        self.needed = False
        self.shown = False  # a name that the variant without the ignore file has, too

    def add(self, name: Name) -> None:
        """Take note of one more name."""
        self.left -= 1
        if name.eligible:
            if self.eligible is None or name.key < self.eligible.key:
                self.eligible = name
        elif not name.hidden and (self.ignored is None or name.key < self.ignored.key):
            self.ignored = name
        self.needed = self.needed or name.needed
        self.shown = self.shown or not name.hidden

    def merge(self, other: Inode, names: int) -> None:
        """Take note of what another process saw of the ``names`` names of this inode."""
        self.left -= names - other.left
        for name in (other.eligible, other.ignored):
            if name is not None:
                self.left += 1  # add() takes it off again
                self.add(name)
        self.needed = self.needed or other.needed
        self.shown = self.shown or other.shown


class Links:
    """The inodes with several names whose names were not all seen yet."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], tuple[int, Inode]] = {}

    def add(self, st: os.stat_result, name: Name) -> Inode | None:
        """One name of a file. Returns the inode when this was its last name, for the books."""
        identity = (st.st_dev, st.st_ino)
        names, inode = self._open.get(identity) or (st.st_nlink, Inode(st.st_size, st.st_nlink))
        inode.add(name)
        if inode.left > 0:
            self._open[identity] = (names, inode)
            return None
        self._open.pop(identity, None)
        return inode

    def settle(self) -> Iterable[Inode]:
        """The inodes with names outside of the tree, or unseen for another reason."""
        inodes = [inode for _, inode in self._open.values()]
        self._open.clear()
        return inodes

    def merge(self, other: Links) -> None:
        """Add what another process saw, whose accounts were renumbered to ours."""
        for identity, (names, theirs) in other._open.items():
            ours = self._open.get(identity)
            if ours is None:
                self._open[identity] = (names, theirs)
            else:
                ours[1].merge(theirs, names)

    def renumber(self, first: int, offset: int) -> None:
        """Move the account numbers from ``first`` on by ``offset``."""
        for _, inode in self._open.values():
            for which in ("eligible", "ignored"):
                name: Name | None = getattr(inode, which)
                if name is not None and name.account >= first:
                    setattr(inode, which, name._replace(account=name.account + offset))
