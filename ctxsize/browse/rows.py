"""What a directory's rows show: sorted by a measure, with a bar, and what becomes of each."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from ctxsize.browse.tree import FileTree, Node
from ctxsize.report.shared.look import Look
from ctxsize.text import printable
from ctxsize.units import format_bytes

#: What rows are measured in, in the order in which ``s`` chooses them.
METRICS = ("all bytes", "kept bytes", "ignored bytes", "files")
_BAR = 14


@dataclass(frozen=True, slots=True)
class Row:
    """A row: ``mark`` says what becomes of it, in a word."""

    node: Node
    size: str
    bar: str
    mark: str
    name: str


def measure(node: Node, metric: str) -> int:
    """How large a node is."""
    if metric == "files":
        return node.files
    ignored = node.bytes - node.kept_bytes
    return {"all bytes": node.bytes, "kept bytes": node.kept_bytes, "ignored bytes": ignored}[metric]


def rows(nodes: Sequence[Node], metric: str, tree: FileTree, *, paths: bool = False) -> list[Row]:
    """The nodes as rows, the largest first. ``paths``: by their whole paths."""
    ordered = sorted(nodes, key=lambda node: (-measure(node, metric), node.name))
    whole = sum(measure(node, metric) for node in nodes)
    look = Look(blocks=True)
    found = []
    for node in ordered:
        size = measure(node, metric)
        name = node.path if paths else node.name
        found.append(
            Row(
                node,
                str(size) if metric == "files" else format_bytes(size),
                look.bar(size / whole, _BAR) if whole else "",
                mark(node, tree),
                printable(name) + ("/" if node.below is not None else ""),
            )
        )
    return found


def mark(node: Node, tree: FileTree) -> str:
    """``ignored``, ``partly``, ``needed``, ``kept`` (no step takes it), or ``kept`` where nobody knows."""
    if node.files and not node.kept_files:
        return "ignored"
    if node.kept_files < node.files:
        return "partly"
    return "needed" if tree.known_needs and node.needed else "kept"


def largest(root: Node, metric: str, count: int = 200) -> list[Node]:
    """The largest files below ``root``."""
    return heapq.nlargest(count, root.leaves(), key=lambda node: measure(node, metric))


def search(root: Node, text: str) -> Node | None:
    """The largest file or directory whose name has ``text`` in it; one that begins with it comes first."""
    wanted = text.lower()
    best: tuple[bool, int] = (False, -1)
    found = None
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.below is not None:
            waiting.extend(node.below.values())
        name = node.name.lower()
        if node.up is not None and wanted in name:
            rank = (name.startswith(wanted), node.bytes)
            if rank > best:
                best, found = rank, node
    return found
