"""Views of a context as tables: which columns, which rows. Drawing them is ctxsize.report's work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ctxsize.context.totals import ScanResult
from ctxsize.context.walk import Entry
from ctxsize.ignore.types import Rule
from ctxsize.survey.listings import Listing, by_extension, largest, tree

Cell = str | int


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
    of it, and files that lie directly in a directory have no row of their own."""
    rows = tuple(
        (row.path or ".", row.depth, row.totals.files, row.totals.dirs, row.totals.bytes)
        for row in tree(scan.directories)
    )
    return View("directories", ("path", "depth", "files", "dirs", "bytes"), rows)


def ignored_roots(scan: ScanResult) -> View:
    """The topmost ignored paths, each with all that lies in it and the rule that decides, largest first."""
    rows = tuple(
        (root.path, *_rule(root.rule), root.totals.files, root.totals.dirs, root.totals.bytes)
        for root in scan.roots
    )
    return View("ignored", ("path", "line", "pattern", "files", "dirs", "bytes"), rows)


def rules(scan: ScanResult) -> View:
    """Every rule and what it keeps out, the largest first; ``paths`` counts its ignored roots."""
    ordered = sorted(scan.rules, key=lambda item: (-item.totals.bytes, -item.totals.files, item.rule.line))
    rows = tuple(
        (*_rule(item.rule), item.roots, item.totals.files, item.totals.dirs, item.totals.bytes)
        for item in ordered
    )
    return View("rules", ("line", "pattern", "paths", "files", "dirs", "bytes"), rows)


def extensions(listing: Listing, *, only_ignored: bool = False) -> View:
    """Files by extension (``.gz`` of ``a.tar.gz``, '' without one), the largest sum first."""
    groups = by_extension(listing.ignored()) if only_ignored else by_extension(listing.kept())
    rows = tuple((group.key, group.totals.files, group.totals.bytes) for group in groups)
    name = "ignored_extensions" if only_ignored else "extensions"
    return View(name, ("extension", "files", "bytes"), rows)


def files(listing: Listing, *, only_ignored: bool = False, most: int | None = None) -> View:
    """Every entry that is not a directory, in the order of the walk, or the ``most`` largest of them.

    ``only_ignored``: those that are kept out, with the rules that decide; else those that arrive.
    """
    if only_ignored:
        found = listing.ignored() if most is None else largest(listing.ignored(), most)
        rows: Iterable[tuple[Cell, ...]] = ((item.path, *_rule(item.rule), item.bytes) for item in found)
        return View("ignored_files", ("path", "line", "pattern", "bytes"), rows)
    entries: Iterable[Entry] = (entry for entry in listing.kept() if not entry.is_dir)
    if most is not None:
        entries = largest(entries, most)
    return View("files", ("path", "bytes"), ((entry.path, entry.bytes) for entry in entries))


def _rule(rule: Rule) -> tuple[int, str]:
    return rule.line, rule.text.strip()
