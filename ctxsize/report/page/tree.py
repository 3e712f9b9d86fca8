"""A tree for the page's treemap: the largest files and directories, the rest of each directory together.

Every sum is exact, whatever is left out: what is not shown by name is in a leaf of its directory without one.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ctxsize.report.shared.columns import shortened
from ctxsize.text import printable

#: What a node may be measured in, in the order of Sums.
METRICS = ("context", "image", "pull", "seconds")
#: Files and directories with a name of their own, and the characters of a name.
MOST_NODES = 4000
LONGEST_NAME = 100
#: Levels of directories; what lies deeper belongs to the one on the last level.
DEEPEST = 60
#: Kinds of files in one directory that the rest of it is told apart by.
_MOST_RESTS = 6
#: Kind, and the line of the rule.
Kind = tuple[str, int | None]
Sums = list[float]


class TreeBuilder:
    """Takes leaves, in any order; memory grows with the directories, and with ``most`` leaves."""

    def __init__(self, most: int = MOST_NODES) -> None:
        self._most = most
        #: By path, what lies right in each; after _add_up also what lies below.
        self._directories: dict[str, dict[Kind, Sums]] = {"": {}}
        self._leaves: list[tuple[float, int, str, Kind, Sums]] = []
        self._count = 0

    def add(
        self, path: str, kind: str, line: int | None = None, *, files: int = 1, **sizes: float | None
    ) -> None:
        """A leaf with its ``sizes`` by metric; what is not known, or less than nothing, has no area."""
        get = sizes.get
        sums: Sums = [get("context") or 0, get("image") or 0, get("pull") or 0, get("seconds") or 0, files]
        if min(sums) < 0:
            sums = [max(size, 0) for size in sums]
        key = (kind, line)
        if path.count("/") >= DEEPEST:
            path = "/".join(path.split("/", DEEPEST)[:DEEPEST])
        self._book(path.rpartition("/")[0], key, sums)
        self._count += 1
        # The share of the whole would be fairer between metrics, but is known only at the end; bytes rank.
        item = (max(sums[:3]), self._count, path, key, sums)
        if len(self._leaves) < self._most:
            heapq.heappush(self._leaves, item)
        else:
            heapq.heappushpop(self._leaves, item)

    def json(self) -> str:
        """The tree as JSON that is safe inside an HTML page's script element.

        A node is ``[name, kind, line, files, [context, image, pull, seconds], children]``, without what is
        missing at its end. A name of "" is the rest of a directory.
        """
        leaves = self._named()
        self._add_up()
        totals = {path: _total(kinds.values()) for path, kinds in self._directories.items()}
        sizes = sorted([max(sums[:3]) for sums in (*totals.values(), *leaves.values())], reverse=True)
        least = sizes[self._most] if len(sizes) > self._most else 0.0
        below: dict[str, list[tuple[float, str, Any]]] = {}
        for path, sums in totals.items():
            if path and max(sums[:3]) > least:
                below.setdefault(path.rpartition("/")[0], []).append((max(sums[:3]), path, None))
        for (path, key), sums in leaves.items():
            if max(sums[:3]) > least:
                below.setdefault(path.rpartition("/")[0], []).append((max(sums[:3]), path, (key, sums)))
        text = json.dumps(self._node("", totals, below), separators=(",", ":"))
        return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

    def _book(self, directory: str, key: Kind, sums: Sums, sign: int = 1) -> None:
        """Add something to what lies right in a directory."""
        kinds = self._directories.get(directory)
        if kinds is None:
            kinds = self._directories[directory] = {}
        own = kinds.get(key)
        if own is None:
            own = kinds[key] = [0.0] * len(sums)
        _add(own, sums, sign)

    def _add_up(self) -> None:
        """Have every directory count what is in those below it, the deepest first."""
        for path in sorted(self._directories, key=lambda path: -path.count("/")):
            if path:
                for key, sums in self._directories[path].items():
                    self._book(path.rpartition("/")[0], key, sums)

    def _named(self) -> dict[tuple[str, Kind], Sums]:
        """The leaves that are still known by name. What was said of a directory as a whole goes to it."""
        leaves: dict[tuple[str, Kind], Sums] = {}
        for path in [*self._directories]:
            while path:
                path = path.rpartition("/")[0]
                if path in self._directories:
                    break
                self._directories[path] = {}
        for _, _, path, key, sums in self._leaves:
            if path in self._directories:
                self._book(path.rpartition("/")[0], key, sums, -1)
                self._book(path, key, sums)
            else:
                _add(leaves.setdefault((path, key), [0.0] * len(sums)), sums)
        self._leaves = []
        return leaves

    def _node(
        self, path: str, totals: Mapping[str, Sums], below: Mapping[str, list[tuple[float, str, Any]]]
    ) -> list[Any]:
        """The directory ``path``; without recursion, since a tree may be as deep as a path is long."""
        root: list[Any] = _made("", ("", None), totals[path], [])
        waiting = [(path, root)]
        while waiting:
            directory, node = waiting.pop()
            rest = {kind: [*sums] for kind, sums in self._directories[directory].items()}
            children = node[5]
            for _, child, leaf in sorted(below.get(directory, ()), key=lambda each: (-each[0], each[1])):
                name = printable(shortened(child.rpartition("/")[2], LONGEST_NAME))
                if leaf is not None:
                    key, sums = leaf
                    children.append(_made(name, key, sums, None))
                    _add(rest[key], sums, -1)
                    continue
                made = _made(name, ("", None), totals[child], [])
                children.append(made)
                waiting.append((child, made))
                for key, sums in self._directories[child].items():
                    _add(rest[key], sums, -1)
            children.extend(_rests(rest))
            if len(children) == 1 and not children[0][0]:
                # It is one tile, which has the colour of what is in it.
                node[1], node[2] = children[0][1], children[0][2]
        return root


def _rests(rest: Mapping[Kind, Sums]) -> Iterable[list[Any]]:
    """What of a directory has no name: a leaf for each kind, those of small ones without their rules."""
    # Seconds are no whole numbers, and what is left of them after subtracting may not be quite nothing.
    left = [(kind, sums) for kind, sums in rest.items() if sums[-1] > 0 or max(sums) > 1e-6]
    left.sort(key=lambda each: -each[1][0])
    merged: dict[Kind, Sums] = {}
    for number, ((kind, line), sums) in enumerate(left):
        key = (kind, line if number < _MOST_RESTS else None)
        _add(merged.setdefault(key, [0.0] * len(sums)), sums)
    return [_made("", kind, sums, None) for kind, sums in merged.items()]


def _made(name: str, key: Kind, sums: Sums, children: list[Any] | None) -> list[Any]:
    *sizes, files = sums
    shown: list[float] = [
        round(size, 3) if at == len(sizes) - 1 else int(size) for at, size in enumerate(sizes)
    ]
    while len(shown) > 1 and not shown[-1]:
        shown.pop()
    node: list[Any] = [name, key[0], key[1] or 0, int(files), shown]
    return node if children is None else [*node, children]


def _add(sums: Sums, more: Sums, sign: int = 1) -> None:
    for at, size in enumerate(more):
        if size:
            sums[at] += sign * size


def _total(all_: Iterable[Sums]) -> Sums:
    total = [0.0] * (len(METRICS) + 1)
    for sums in all_:
        _add(total, sums)
    return total
