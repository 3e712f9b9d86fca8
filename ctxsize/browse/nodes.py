"""The directories and files of a browsed tree, each with what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ctxsize.dockerfile.wildcard import Cover
from ctxsize.ignore.table import Outcome

#: What becomes of a name: it does not arrive, it does, or it does without its content.
IGNORED, KEPT, EMPTY = 0, 1, 2
_NOTHING: Mapping[str, int] = {}


class Leaf(NamedTuple):
    """A file as it is at this moment, with the same figures as a Node."""

    up: Node
    name: str
    bytes: int
    kept_files: int
    kept_bytes: int
    needed: int
    files: int = 1
    below: None = None

    @property
    def path(self) -> str:
        """The context path."""
        return self.up.join(self.name)


class Node:
    """A directory. ``files`` and ``bytes`` are all that is in it; ``kept_files`` and ``kept_bytes`` what of
    it arrives; ``needed`` what of its bytes a step takes. ``sizes`` are its own files', ``names`` all in it.

    Hard-linked content counts once, where it is met first: it is in ``linked`` and ``kept_linked``, and has
    no size in ``sizes``.
    """

    __slots__ = (
        "_special",
        "below",
        "cover",
        "default",
        "kept_files",
        "kept_linked",
        "kept_plain",
        "largest",
        "linked",
        "name",
        "names",
        "needed",
        "own_bytes",
        "plain",
        "sizes",
        "total",
        "uniform",
        "up",
    )

    def __init__(self, name: str, up: Node | None, cover: Cover) -> None:
        self.name = name
        self.up = up
        self.cover = cover
        self.below: dict[str, Node] = {}
        self.sizes: dict[str, int] = {}
        self.names: list[str] = []
        self.total = self.plain = self.linked = self.needed = 0
        self.own_bytes = self.largest = 0
        self.kept_files = self.kept_plain = self.kept_linked = 0
        self.default = KEPT
        self._special = _NOTHING
        #: Whether all below it arrives, or nothing; None where that has been passed down.
        self.uniform: bool | None = None

    @property
    def files(self) -> int:
        """How many files are in it, at any depth."""
        return self.total

    @property
    def bytes(self) -> int:
        """What they come to."""
        return self.plain + self.linked

    @property
    def kept_bytes(self) -> int:
        """What of that arrives."""
        return self.kept_plain + self.kept_linked

    @property
    def path(self) -> str:
        """The context path; '' is the context itself."""
        names = []
        node: Node | None = self
        while node is not None and node.up is not None:
            names.append(node.name)
            node = node.up
        return "/".join(reversed(names))

    def join(self, name: str) -> str:
        """The context path of a name in it."""
        return f"{path}/{name}" if (path := self.path) else name

    def chain(self) -> list[Node]:
        """It and the directories above it, the lowest first."""
        found: list[Node] = []
        node: Node | None = self
        while node is not None:
            found.append(node)
            node = node.up
        return found

    def fate(self, name: str) -> int:
        """What becomes of a name in it; all that is decided above it has been passed down."""
        return self._special.get(name, self.default)

    def pass_down(self) -> None:
        """Have what becomes of all below it be known one level further down."""
        if self.uniform is not None:
            for child in self.below.values():
                child.settle(self.uniform)
            self.default, self._special = (KEPT if self.uniform else IGNORED), _NOTHING
            self.uniform = None

    def settle(self, kept: bool) -> None:
        """All in it arrives, or nothing does."""
        self.uniform = kept
        self.kept_files, self.kept_plain = (self.total, self.plain) if kept else (0, 0)

    def decide(self, default: Outcome, special: Mapping[str, Outcome]) -> None:
        """What the rules say of its own names."""
        self.uniform = None
        self.default = fate_of(default)
        self._special = {name: fate_of(each) for name, each in special.items()} if special else _NOTHING

    def add_up(self) -> None:
        """Sum up what arrives, of its own files and of the directories in it."""
        default, sizes = self.default, self.sizes
        files = 0 if default == IGNORED else len(sizes)
        size = self.own_bytes if default == KEPT else 0
        for name, fate in self._special.items():
            own = sizes.get(name)
            if own is not None:
                files += (fate != IGNORED) - (default != IGNORED)
                size += (own if fate == KEPT else 0) - (own if default == KEPT else 0)
        for child in self.below.values():
            files += child.kept_files
            size += child.kept_plain
        self.kept_files, self.kept_plain = files, size

    def decide_one(self, name: str, fate: int) -> None:
        """What the rules say of one name; sums stay as they are."""
        self._special = {**self._special, name: fate}


def fate_of(outcome: Outcome) -> int:
    """What rules say of a name."""
    return IGNORED if outcome.ignored else EMPTY if outcome.emptied else KEPT


def kept(fate: int) -> bool:
    """Whether a file arrives whole."""
    return fate == KEPT


def ignored(fate: int) -> bool:
    """Whether the content of a file does not arrive."""
    return fate != KEPT
