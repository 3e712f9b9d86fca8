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

from ctxsize.browse.nodes import IGNORED, KEPT, Leaf, Node, fate_of
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
        self._numbers: dict[_Link, int] = {}
        #: Of each the first name whose content arrives.
        self._firsts: list[_Link | None] = []
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
        self._numbers = {link: number for number, (_, names) in enumerate(self._linked) for link in names}
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
                self._judge_file(node, name, KEPT if outcome is None else fate_of(outcome))
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
            (after != IGNORED) - (before != IGNORED),
            (size if after == KEPT else 0) - (size if before == KEPT else 0),
        )
        self._credit()

    def _credit(self) -> None:
        """Count the content of files with several names where the first of them that arrives is."""
        for node in self._credited:
            node.kept_linked = 0
        self._credited = []
        self._firsts = [self._first(names) for _, names in self._linked]
        for (size, _), first in zip(self._linked, self._firsts, strict=True):
            for up in first.up.chain() if first is not None else ():
                up.kept_linked += size
                self._credited.append(up)

    def _first(self, names: list[_Link]) -> _Link | None:
        return next((link for link in names if self.fate(link.up, link.name) == KEPT), None)

    # Asking about it

    @staticmethod
    def fate(node: Node, name: str) -> int:
        """What becomes of a file, wherever that was decided."""
        found = node.fate(name)
        for up in node.chain():
            if up.uniform is not None:
                found = KEPT if up.uniform else IGNORED
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
        kept = size if fate == KEPT else 0
        if self._linked and not size:
            size, kept = self._linked_sizes(node, name)
        needed = 0
        if self._cover is not None and node.cover != "none":
            needed = size if node.cover == "all" or self._cover(node.join(name)) == "all" else 0
        return Leaf(node, name, size, int(fate != IGNORED), kept, needed)

    def _linked_sizes(self, node: Node, name: str) -> tuple[int, int]:
        """What counts at one name of a file that may have several: of all, and of what arrives."""
        at = _Link(node, name)
        number = self._numbers.get(at)
        if number is None:
            return 0, 0
        size, names = self._linked[number]
        return (size if names[0] == at else 0), (size if self._firsts[number] == at else 0)

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
        return sum(self.fate(node, name) != IGNORED for node, name in self.secrets)


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


def _walked(link: _Link) -> list[bytes]:
    """The place of a file in the order of a build's walk."""
    return [os.fsencode(name) for name in link.up.join(link.name).split("/")]
