"""What one build was sent of a tree, which may change at any moment."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable

#: Changed entries whose names are kept.
_MOST_NAMES = 100
#: With the 32 bits that a part holds of each, 42 bits tell entries apart: of what was not sent, one look in
#: four million takes for sent what is not, in a tree of a million entries.
_PARTS = 1024
_LOWER, _BITS = 32, (1 << 32) - 1


class SentTree:
    """What a build was sent, and the names of what had changed since ``since`` (epoch nanoseconds, None: not
    known). ``root_of`` gives the ignored root of a path: ``by_root`` has the bytes of each.

    Holds 4 bytes for an entry, however long its path is: a part of the hash of path and size.
    """

    def __init__(
        self, since: int | None = None, root_of: Callable[[str], str | None] = lambda path: None
    ) -> None:
        self._since = since
        self._parts = [array("I") for _ in range(_PARTS)]
        self._sorted = True
        self._root_of = root_of
        self.by_root: dict[str, int] = {}
        #: The first of the entries that had changed when they were sent, in the order they were sent.
        self.changed: list[str] = []

    def add(self, path: str, size: int, changed_ns: int) -> None:
        """Take down an entry: its bytes (0 for a directory), and its ``st_ctime_ns``."""
        root = self._root_of(path)
        if root is not None:
            self.by_root[root] = self.by_root.get(root, 0) + size
        self.also(path, size)
        if self._since is not None and changed_ns >= self._since and len(self.changed) < _MOST_NAMES:
            self.changed.append(path)

    def within(self, context: str) -> SentContext:
        """Where to take down what is sent of a named context: its paths are ``context:path`` here."""
        return SentContext(self, f"{context}:")

    def also(self, path: str, size: int) -> None:
        """``path`` can have arrived with this size, too."""
        key = hash((path, size))
        self._parts[key % _PARTS].append(key >> _LOWER & _BITS)
        self._sorted = False

    def has(self, path: str, size: int) -> bool:
        """Whether ``path`` was sent with that many bytes."""
        if not self._sorted:
            # One after the other, so that little more is held meanwhile.
            for number, part in enumerate(self._parts):
                self._parts[number] = array("I", sorted(part))
            self._sorted = True
        key = hash((path, size))
        part, entry = self._parts[key % _PARTS], key >> _LOWER & _BITS
        place = bisect_left(part, entry)
        return place < len(part) and part[place] == entry


class SentContext:
    """What one build was sent of a named context, taken down in the tree it is part of."""

    def __init__(self, tree: SentTree, prefix: str) -> None:
        self._tree = tree
        self._prefix = prefix

    def add(self, path: str, size: int, changed_ns: int) -> None:
        """See SentTree."""
        self._tree.add(self._prefix + path, size, changed_ns)

    def also(self, path: str, size: int) -> None:
        """See SentTree."""
        self._tree.also(self._prefix + path, size)
