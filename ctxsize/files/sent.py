"""What one build was sent of a tree, which may change at any moment."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable

#: Changed entries whose names are kept.
_MOST_NAMES = 100
_PARTS = 64


class SentTree:
    """Sizes of what a build was sent, and the names of what had changed since ``since`` (epoch nanoseconds,
    None: not known). ``root_of`` gives the ignored root of a path: ``by_root`` has the bytes of each.

    Holds 16 bytes for an entry, however long its path is, in parts of which each is sorted by itself when it
    is first asked about.
    """

    def __init__(
        self, since: int | None = None, root_of: Callable[[str], str | None] = lambda path: None
    ) -> None:
        self._since = since
        self._parts = [_Part() for _ in range(_PARTS)]
        self._root_of = root_of
        self.by_root: dict[str, int] = {}
        #: The first of the entries that had changed when they were sent, in the order they were sent.
        self.changed: list[str] = []

    def add(self, path: str, size: int, changed_ns: int) -> None:
        """Take down an entry: its bytes (0 for a directory), and its ``st_ctime_ns``."""
        root = self._root_of(path)
        if root is not None:
            self.by_root[root] = self.by_root.get(root, 0) + size
        self.resize(path, size)
        if self._since is not None and changed_ns >= self._since and len(self.changed) < _MOST_NAMES:
            self.changed.append(path)

    def within(self, context: str) -> SentContext:
        """Where to take down what is sent of a named context: its paths are ``context:path`` here."""
        return SentContext(self, f"{context}:")

    def resize(self, path: str, size: int) -> None:
        """What was sent of ``path`` has another size than was said before."""
        key = hash(path)
        self._parts[key % _PARTS].add(key, size)

    def size(self, path: str) -> int | None:
        """The bytes of ``path`` as they were sent; None when it was not."""
        key = hash(path)
        return self._parts[key % _PARTS].size(key)


class SentContext:
    """What one build was sent of a named context, taken down in the tree it is part of."""

    def __init__(self, tree: SentTree, prefix: str) -> None:
        self._tree = tree
        self._prefix = prefix

    def add(self, path: str, size: int, changed_ns: int) -> None:
        """See SentTree."""
        self._tree.add(self._prefix + path, size, changed_ns)

    def resize(self, path: str, size: int) -> None:
        """See SentTree."""
        self._tree.resize(self._prefix + path, size)


class _Part:
    """Sizes by key; of the same key the last one counts."""

    __slots__ = ("_keys", "_sizes", "_sorted")

    def __init__(self) -> None:
        self._keys = array("q")
        self._sizes = array("q")
        self._sorted = True

    def add(self, key: int, size: int) -> None:
        self._keys.append(key)
        self._sizes.append(size)
        self._sorted = False

    def size(self, key: int) -> int | None:
        if not self._sorted:
            order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
            self._keys = array("q", (self._keys[number] for number in order))
            self._sizes = array("q", (self._sizes[number] for number in order))
            self._sorted = True
        place = bisect_right(self._keys, key) - 1
        return self._sizes[place] if place >= 0 and self._keys[place] == key else None
