"""Views of a context as tables: which columns, which rows. Drawing them is ctxsize.report's work."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from ctxsize.context.totals import DirTotals, ScanResult, Totals
from ctxsize.ignore.types import Rule
from ctxsize.survey.listings import Listing

Cell = str | int | None


@dataclass(frozen=True, slots=True)
class View:
    """One table. ``name`` says of what (the key in JSON); ``columns`` are named as in every format.

    ``rows`` of files come from a walk that goes on while they are read, so that memory does not grow with
    them: they can be read once, and reading may raise what :func:`ctxsize.context.walk.walk` raises.
    """

    name: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Cell, ...]]


def directories(scan: ScanResult) -> View:
    """What arrives of each directory down to the depth of the scan, as a tree; the first row (``.``) is all
    of it, siblings come largest first, and files right in a directory have no row of their own. What holds
    something that can't be read has no figures."""
    below: dict[str, list[DirTotals]] = {}
    for item in scan.directories:
        if item.path:
            below.setdefault(item.path.rpartition("/")[0], []).append(item)
    rows: list[tuple[Cell, ...]] = []
    stack = [(item, 0) for item in scan.directories if not item.path]
    while stack:
        item, depth = stack.pop()
        rows.append((item.path or ".", depth, *_counts(item.totals, unread=item.unread)))
        stack.extend((child, depth + 1) for child in reversed(below.get(item.path, [])))
    return View("directories", ("path", "depth", "files", "dirs", "bytes"), tuple(rows))


def ignored_roots(scan: ScanResult) -> View:
    """The topmost ignored paths, each with all that lies in it and the rule that decides, largest first."""
    rows = tuple(
        (root.path, *_rule(root.rule), *_counts(root.totals, unread=root.unread)) for root in scan.roots
    )
    return View("ignored", ("path", "line", "pattern", "files", "dirs", "bytes"), rows)


def rules(scan: ScanResult, unread: frozenset[int] = frozenset()) -> View:
    """Every rule and what it keeps out, the largest first; ``paths`` counts its ignored roots. How much those
    on the lines in ``unread`` keep out is not known."""
    ordered = sorted(scan.rules, key=lambda item: (-item.totals.bytes, -item.totals.files, item.rule.line))
    rows = tuple(
        (*_rule(item.rule), item.roots, *_counts(item.totals, unread=item.rule.line in unread))
        for item in ordered
    )
    return View("rules", ("line", "pattern", "paths", "files", "dirs", "bytes"), rows)


def extensions(listing: Listing, *, only_ignored: bool = False) -> View:
    """Files by extension (``.gz`` of ``a.tar.gz``, '' without one), the largest sum first."""
    sums: dict[str, list[int]] = {}
    for entry in listing.ignored() if only_ignored else listing.kept_files():
        row = sums.setdefault(PurePosixPath(entry.path).suffix, [0, 0])
        row[0] += 1
        row[1] += entry.bytes
    rows = [(key, files, size) for key, (files, size) in sums.items()]
    rows.sort(key=lambda row: (-row[2], -row[1], row[0]))
    name = "ignored_extensions" if only_ignored else "extensions"
    return View(name, ("extension", "files", "bytes"), tuple(rows))


def largest(scan: ScanResult) -> View:
    """The largest files that arrive, the largest first, those of 0 bytes left out."""
    return View("files", ("path", "bytes"), scan.largest)


def files(listing: Listing, *, only_ignored: bool = False, most: int | None = None) -> View:
    """Every entry that is not a directory, in the order of the walk, or the ``most`` largest of them, the
    largest first, those of 0 bytes left out. Memory grows with ``most`` alone.

    ``only_ignored``: those that are kept out, with the rules that decide; else those that arrive.
    """
    if only_ignored:
        name, columns = "ignored_files", ["path", "line", "pattern", "bytes"]
        rows: Iterable[tuple[Cell, ...]] = (
            (item.path, *_rule(item.rule), item.bytes) for item in listing.ignored()
        )
    else:
        name, columns = "files", ["path", "bytes"]
        rows = ((entry.path, entry.bytes) for entry in listing.kept_files())
    if most is not None:
        rows = heapq.nlargest(most, (row for row in rows if row[-1]), key=lambda row: int(row[-1] or 0))
    return View(name, tuple(columns), rows)


def _counts(totals: Totals, *, unread: bool) -> tuple[Cell, ...]:
    return (None, None, None) if unread else (totals.files, totals.dirs, totals.bytes)


def _rule(rule: Rule) -> tuple[int, str]:
    return rule.line, rule.text.strip()
