"""The tree in memory: what is in each directory, and what of it the rules of a draft keep.

A directory has the sums of what lies in it, and says what becomes of its own names in one word where that is
the same for all. What becomes of all below it (a rule ignores it) is passed down only where somebody looks.
So a key costs no more than the directories in which the rules tell names apart.
"""

from __future__ import annotations

import heapq
import os
import stat as statmod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from ctxsize.context.errors import ContextError
from ctxsize.context.reading import Directory, Reading
from ctxsize.context.walk import OpenTree
from ctxsize.dockerfile.sources import Sources
from ctxsize.dockerfile.wildcard import Cover
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.table import Outcome
from ctxsize.project import Project
from ctxsize.sensitive.names import classify, suspects

#: Entries after which progress is told.
_OFTEN = 2000
#: What becomes of a name: it does not arrive, it does, or it does without its content.
_IGNORED, _KEPT, _EMPTY = 0, 1, 2
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
        self.default = _KEPT
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
            self.default, self._special = (_KEPT if self.uniform else _IGNORED), _NOTHING
            self.uniform = None

    def settle(self, kept: bool) -> None:
        """All in it arrives, or nothing does."""
        self.uniform = kept
        self.kept_files, self.kept_plain = (self.total, self.plain) if kept else (0, 0)

    def decide(self, default: Outcome, special: Mapping[str, Outcome]) -> None:
        """What the rules say of its own names."""
        self.uniform = None
        self.default = _fate(default)
        self._special = {name: _fate(each) for name, each in special.items()} if special else _NOTHING

    def add_up(self) -> None:
        """Sum up what arrives, of its own files and of the directories in it."""
        default, sizes = self.default, self.sizes
        files = 0 if default == _IGNORED else len(sizes)
        size = self.own_bytes if default == _KEPT else 0
        for name, fate in self._special.items():
            own = sizes.get(name)
            if own is not None:
                files += (fate != _IGNORED) - (default != _IGNORED)
                size += (own if fate == _KEPT else 0) - (own if default == _KEPT else 0)
        for child in self.below.values():
            files += child.kept_files
            size += child.kept_plain
        self.kept_files, self.kept_plain = files, size

    def decide_one(self, name: str, fate: int) -> None:
        """What the rules say of one name; sums stay as they are."""
        self._special = {**self._special, name: fate}


class _Link(NamedTuple):
    """A name of a file with several."""

    up: Node
    name: str


class FileTree:
    """The context of ``project`` as if it had no ignore file.

    ``complete`` once all of it was read, ``trouble`` why some of it was not. ``secrets`` are files whose
    names look like one, by directory.
    """

    def __init__(self, project: Project, sources: Sources | None) -> None:
        self._cover: Callable[[str], Cover] | None = None
        if sources is not None and not sources.unknown:
            self._cover = sources.cover
        self.known_needs = self._cover is not None
        self.root = Node("", None, self._cover(".") if self._cover is not None else "none")
        self.complete = False
        self.trouble = ""
        self.seen = 0
        self.secrets: list[tuple[Node, str]] = []
        self._project = project
        #: The files with several names, each the sizes and the names in the order of a build's walk.
        self._linked: list[tuple[int, list[_Link]]] = []
        self._credited: list[Node] = []

    # Reading it

    def read(
        self, told: Callable[[], object] = lambda: None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Read it; ``told`` is called now and then, and nothing more is read once ``stop`` says so."""
        reading, links = Reading(), dict[tuple[int, int], tuple[int, list[_Link]]]()
        told_at = 0
        try:
            with OpenTree(self._project.context) as opened:
                waiting = [(self.root, "")]
                while waiting:
                    node, path = waiting.pop()
                    try:
                        found = reading.directory(opened, path)
                    except ContextError as error:
                        self.trouble = self.trouble or str(error)
                        continue
                    self._take(node, path, found, links)
                    prefix = f"{path}/" if path else ""
                    waiting += [(child, f"{prefix}{name}") for name, child in node.below.items()]
                    self.seen += len(node.names)
                    if self.seen - told_at >= _OFTEN:
                        told_at = self.seen
                        told()
                        if stop():
                            return
        except ContextError as error:
            self.trouble = str(error)
        self._linked = [
            (size, sorted(names, key=_walked)) for size, names in links.values() if len(names) > 1
        ]
        for size, names in [each for each in links.values() if len(each[1]) == 1]:
            self._restore(size, names[0])
        for size, names in self._linked:
            for up in names[0].up.chain():
                up.linked += size
        self._credit()
        self.complete = True

    def _take(
        self,
        node: Node,
        path: str,
        found: Directory,
        links: dict[tuple[int, int], tuple[int, list[_Link]]],
    ) -> None:
        """What was read of a directory."""
        prefix = f"{path}/" if path else ""
        sizes = found.sizes
        for name in [name for name in sizes if f"{prefix}{name}" in self._project.ignore_files]:
            del sizes[name]
        for name, st in found.odd.items():
            if statmod.S_ISREG(st.st_mode) and name in sizes:
                links.setdefault((st.st_dev, st.st_ino), (st.st_size, []))[1].append(_Link(node, name))
                sizes[name] = 0
            elif name in sizes and not statmod.S_ISLNK(st.st_mode):
                sizes[name] = 0
        node.names = [*sizes, *found.folders]
        node.own_bytes = sum(sizes.values())
        node.largest = max(sizes.values(), default=0)
        if self._cover is None or node.cover == "none":
            needed = 0
        elif node.cover == "all":
            needed = node.own_bytes
        else:
            needed = sum(
                size for name, size in sizes.items() if size and self._cover(f"{prefix}{name}") == "all"
            )
        below = {}
        for name in found.folders:
            cover = node.cover
            if cover == "some" and self._cover is not None:
                cover = self._cover(f"{prefix}{name}")
            below[name] = Node(name, node, cover)
        # As a whole: somebody may be looking at it.
        node.sizes, node.below = sizes, below
        for up in node.chain():
            up.total += len(sizes)
            up.plain += node.own_bytes
            up.needed += needed
            up.kept_files += len(sizes)
            up.kept_plain += node.own_bytes
        for name in suspects(path, node.names):
            # Classifying a name takes long; asking which of a directory's are worth it does not.
            looked = classify(f"{prefix}{name}") if name in sizes else None
            if looked is not None and looked.alone == "likely":
                self.secrets.append((node, name))

    def _restore(self, size: int, link: _Link) -> None:
        """A file with several names of which the tree has only one is as any other."""
        link.up.sizes[link.name] = size
        link.up.own_bytes += size
        link.up.largest = max(link.up.largest, size)
        for up in link.up.chain():
            up.plain += size
            up.kept_plain += size

    # Judging it

    def judge(self, rules: Matcher | None, path: str = "") -> None:
        """Have the rules decide about ``path`` and all in it. Raises IgnoreFileError where a build fails."""
        node, state, outcome = self.root, rules.start() if rules is not None else None, None
        names = path.split("/") if path else []
        for at, name in enumerate(names):
            if state is not None:
                outcome = state.outcome(name)
            node.pass_down()
            if name in node.sizes and at == len(names) - 1:
                self._judge_file(node, name, _KEPT if outcome is None else _fate(outcome))
                return
            if name not in node.below:
                return
            node = node.below[name]
            state = state.child(name, outcome) if state is not None else None
        files, size = node.kept_files, node.kept_plain
        _apply(_decide(node, state, outcome))
        _add_above(node.up, node.kept_files - files, node.kept_plain - size)
        self._credit()

    def judging(self, rules: Matcher | None) -> Iterator[None]:
        """As ``judge`` of the whole tree, a directory at a time; the tree stays as it is until the last."""
        decisions = []
        for decision in _decide(self.root, rules.start() if rules is not None else None, None):
            decisions.append(decision)
            yield
        _apply(decisions)
        self._credit()

    def _judge_file(self, node: Node, name: str, after: int) -> None:
        before, size = node.fate(name), node.sizes[name]
        node.decide_one(name, after)
        _add_above(
            node,
            (after != _IGNORED) - (before != _IGNORED),
            (size if after == _KEPT else 0) - (size if before == _KEPT else 0),
        )
        self._credit()

    def _credit(self) -> None:
        """Count the content of files with several names where the first of them that arrives is."""
        for node in self._credited:
            node.kept_linked = 0
        self._credited = []
        for size, names in self._linked:
            first = next((link for link in names if self.fate(link.up, link.name) == _KEPT), None)
            for up in first.up.chain() if first is not None else ():
                up.kept_linked += size
                self._credited.append(up)

    # Asking about it

    @staticmethod
    def fate(node: Node, name: str) -> int:
        """What becomes of a file, wherever that was decided."""
        found = node.fate(name)
        for up in node.chain():
            if up.uniform is not None:
                found = _KEPT if up.uniform else _IGNORED
        return found

    def entries(self, node: Node) -> list[Node | Leaf]:
        """What is in a directory."""
        self._look_into(node)
        return [*node.below.values(), *(self.leaf(node, name) for name in node.sizes)]

    def _look_into(self, node: Node) -> None:
        for up in reversed(node.chain()):
            up.pass_down()

    def leaf(self, node: Node, name: str) -> Leaf:
        """A file of a directory that was looked into."""
        fate, size = node.fate(name), node.sizes[name]
        kept = size if fate == _KEPT else 0
        if self._linked and not size:
            size, kept = self._linked_sizes(node, name)
        needed = 0
        if self._cover is not None and node.cover != "none":
            needed = size if node.cover == "all" or self._cover(node.join(name)) == "all" else 0
        return Leaf(node, name, size, int(fate != _IGNORED), kept, needed)

    def _linked_sizes(self, node: Node, name: str) -> tuple[int, int]:
        """What counts at one name of a file that may have several: of all, and of what arrives."""
        for size, names in self._linked:
            if any(link.up is node and link.name == name for link in names):
                first = next((link for link in names if self.fate(link.up, link.name) == _KEPT), None)
                at = _Link(node, name)
                return (size if names[0] == at else 0), (size if first == at else 0)
        return 0, 0

    def at(self, path: str) -> Node | Leaf | None:
        """The entry at ``path``; None when there is none."""
        node = self.root
        names = path.split("/") if path not in ("", ".") else []
        for number, name in enumerate(names):
            if name in node.below:
                node = node.below[name]
            elif name in node.sizes and number == len(names) - 1:
                self._look_into(node)
                return self.leaf(node, name)
            else:
                return None
        return node

    def files_of(self, top: Node) -> Iterator[tuple[Node, str, int]]:
        """Every file below a directory: where it is, its name and its size."""
        for node in self.directories(top):
            for name, size in node.sizes.items():
                yield node, name, size

    def directories(self, top: Node) -> Iterator[Node]:
        """A directory and all below it."""
        waiting = [top]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.below.values())

    def largest(self, top: Node, count: int, fate: Callable[[int], bool] | None) -> list[Leaf]:
        """The largest files below ``top``; ``fate`` says which count by what becomes of them, None: all."""
        self._look_into(top)
        heap: list[tuple[int, int, Node, str]] = []
        number = 0
        nodes = [*self.directories(top)]
        for node in nodes:
            node.pass_down()
        for node in sorted(nodes, key=lambda each: -each.largest):
            if len(heap) == count and node.largest <= heap[0][0]:
                break
            for name, size in node.sizes.items():
                if (len(heap) < count or size > heap[0][0]) and (fate is None or fate(node.fate(name))):
                    number += 1
                    item = (size, number, node, name)
                    if len(heap) < count:
                        heapq.heappush(heap, item)
                    else:
                        heapq.heapreplace(heap, item)
        return [self.leaf(node, name) for _, _, node, name in sorted(heap, key=lambda each: -each[0])]

    def seen_secrets(self) -> int:
        """How many of the files that look like secrets arrive."""
        return sum(self.fate(node, name) != _IGNORED for node, name in self.secrets)


def kept(fate: int) -> bool:
    """Whether a file arrives whole."""
    return fate == _KEPT


def ignored(fate: int) -> bool:
    """Whether the content of a file does not arrive."""
    return fate != _KEPT


#: What rules say of a directory: that all in it arrives or nothing does, or (None) its default and what else.
_Decision = tuple[Node, bool | None, Outcome | None, Mapping[str, Outcome]]


def _decide(top: Node, state: DirState | None, outcome: Outcome | None) -> Iterator[_Decision]:
    """What rules say of ``top`` and of the directories in it, from above; the tree stays as it is."""
    waiting: list[tuple[Node, DirState | None, Outcome | None]] = [(top, state, outcome)]
    while waiting:
        node, state, outcome = waiting.pop()
        if outcome is not None and outcome.prunable:
            yield node, False, None, {}
            continue
        if state is None or (state.sink and not state.default.emptied):
            yield node, state is None or not state.default.ignored, None, {}
            continue
        special = state.special(node.names)
        default = state.default
        yield node, None, default, special
        for name, child in node.below.items():
            found = special.get(name, default) if special else default
            waiting.append((child, None if found.prunable else state.child(name, found), found))


def _apply(decisions: Iterable[_Decision]) -> None:
    """Have the tree be as was decided: down, then up again with the sums."""
    order: list[Node] = []
    for node, kept, default, special in decisions:
        if default is None:
            node.settle(bool(kept))
        else:
            node.decide(default, special)
            order.append(node)
    for node in reversed(order):
        node.add_up()


def _add_above(node: Node | None, files: int, size: int) -> None:
    while node is not None:
        node.kept_files += files
        node.kept_plain += size
        node = node.up


def _fate(outcome: Outcome) -> int:
    return _IGNORED if outcome.ignored else _EMPTY if outcome.emptied else _KEPT


def _walked(link: _Link) -> list[bytes]:
    """The place of a file in the order of a build's walk."""
    return [os.fsencode(name) for name in link.up.join(link.name).split("/")]
