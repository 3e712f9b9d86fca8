"""What a directory's rows show: sorted by a measure, with a bar, and what becomes of each."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from ctxsize.browse.nodes import Leaf, Node, ignored, kept
from ctxsize.browse.tree import FileTree
from ctxsize.report.shared.look import Look
from ctxsize.text import printable
from ctxsize.units import format_bytes

#: What rows are measured in, in the order in which ``s`` chooses them.
METRICS = ("all bytes", "kept bytes", "ignored bytes", "files")
BAR = 14


@dataclass(frozen=True, slots=True)
class Row:
    """A row: ``mark`` says what becomes of it, in a word."""

    node: Node | Leaf
    size: str
    bar: str
    mark: str
    name: str


def measure(node: Node | Leaf, metric: str) -> int:
    """How large a node is."""
    if metric == "files":
        return node.files
    if metric == "kept bytes":
        return node.kept_bytes
    return node.bytes if metric == "all bytes" else node.bytes - node.kept_bytes


def rows(node: Node, metric: str, tree: FileTree, most: int) -> list[Row]:
    """What is in a directory as rows, the largest first; at most so many."""
    chosen = heapq.nsmallest(most, tree.entries(node), key=lambda each: (-measure(each, metric), each.name))
    return _rows(chosen, metric, tree, measure(node, metric))


def one(node: Node, key: object, metric: str, tree: FileTree) -> list[Row]:
    """The row of what is in a directory under the key (directory, name); none when it is not there."""
    if not isinstance(key, tuple) or key[0] is not node:
        return []
    found = tree.at(node.join(key[1]))
    return [] if found is None else _rows([found], metric, tree, measure(node, metric))


def largest(node: Node, metric: str, tree: FileTree, most: int) -> list[Row]:
    """The largest files below a directory as rows, by their paths."""
    wanted = {"kept bytes": kept, "ignored bytes": ignored}.get(metric)
    chosen = tree.largest(node, most, wanted)
    return _rows(chosen, metric, tree, measure(node, metric), paths=True)


def _rows(
    chosen: Sequence[Node | Leaf], metric: str, tree: FileTree, whole: int, *, paths: bool = False
) -> list[Row]:
    look = Look(blocks=True)
    found = []
    for node in chosen:
        size = measure(node, metric)
        name = node.path if paths else node.name
        found.append(
            Row(
                node,
                str(size) if metric == "files" else format_bytes(size),
                look.bar(size / whole, BAR) if whole else "",
                mark(node, tree),
                printable(name) + ("/" if node.below is not None else ""),
            )
        )
    return found


def mark(node: Node | Leaf, tree: FileTree) -> str:
    """``ignored``, ``partly``, ``needed``, ``kept`` (no step takes it), or ``kept`` where nobody knows."""
    if node.files and not node.kept_files:
        return "ignored"
    if node.kept_files < node.files:
        return "partly"
    return "needed" if tree.known_needs and node.needed else "kept"


def search(root: Node, text: str) -> tuple[Node, str] | None:
    """The directory and the name of the largest file or directory with ``text`` in its name; one whose name
    begins with it comes first."""
    wanted = text.lower()
    best: tuple[bool, int] = (False, -1)
    found = None
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.below.values())
        for each in node.names:
            name = each.lower()
            if wanted not in name:
                continue
            size = node.below[each].bytes if each in node.below else node.sizes.get(each, 0)
            rank = (name.startswith(wanted), size)
            if rank > best:
                best, found = rank, (node, each)
    return found
