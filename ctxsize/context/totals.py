"""The results of a scan: counts and bytes of a context, and of what its ignore file keeps out.

Bytes are the sizes of regular files, hard-linked content once, plus the length of symbolic links'
targets. Files count every entry that is not a directory; directories count themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ctxsize.ignore.types import Rule


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is of something: entries that are not directories, directories, and bytes."""

    files: int = 0
    dirs: int = 0
    bytes: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.files + other.files, self.dirs + other.dirs, self.bytes + other.bytes)

    def __sub__(self, other: Totals) -> Totals:
        return Totals(self.files - other.files, self.dirs - other.dirs, self.bytes - other.bytes)


@dataclass(frozen=True, slots=True)
class IgnoredRoot:
    """The topmost ignored path of an ignored subtree, and all that lies in it.

    ``rule`` is the rule that decides ``path``. ``hidden``: the ``without`` variant does not have the path
    either (it is the ignore file itself), so ignoring it saves nothing and ``totals`` are 0.
    ``unread``: something in it can't be read, so that there is more than ``totals`` say. ``context`` is the
    named context it is in, of which ``path`` then begins with the name.
    """

    path: str
    is_dir: bool
    rule: Rule
    totals: Totals
    hidden: bool = False
    unread: bool = False
    context: str | None = None

    @property
    def inside(self) -> str:
        """Its path in its own context."""
        return self.path if self.context is None else self.path[len(self.context) + 1 :]


class RuleTotals(NamedTuple):
    """What one rule keeps out: its ignored roots and the sum of their totals. ``context`` is the named
    context whose ignore file has it. A tuple, as a Rule is."""

    rule: Rule
    roots: int
    totals: Totals
    context: str | None = None


@dataclass(frozen=True, slots=True)
class DirTotals:
    """What is eligible below the directory ``path`` ('' is the context), at any depth; itself not counted.
    ``unread``: something in it can't be read, so that there is more than ``totals`` say."""

    path: str
    totals: Totals
    unread: bool = False


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a context holds, with and without its ignore file.

    The books balance to the entry and the byte::

        without + hidden − eligible = sum of the roots + emptied
        sum of the roots            = sum of the rules

    ``eligible`` is what arrives with the ignore file, ``without`` what arrives in a project that has
    none, ``hidden`` what only the former has: an eligible ignore file. ``emptied`` is the content (no
    entries) of files that BuildKit delivers with 0 bytes. ``needed`` is the eligible part that the
    Dockerfile takes, None when nobody asked. ``roots`` are sorted by bytes, the largest first, then by
    path; ``rules`` are all rules of the ignore file, in its order. ``directories`` are the eligible
    directories down to the depth asked for, sorted as the roots. ``suspects`` are the paths whose names
    the scan was asked to take down, in byte order.

    ``forbidden`` are the first of the ``forbidden_count`` eligible paths that forbidding rules match, in the
    order of a walk, and ``largest`` the largest eligible files with their bytes, a file with several names
    under its first. ``partly`` are those of the paths asked about that are ignored directories with something
    kept in them.

    ``unread`` are directories that can't be read and that a build does not read: then ``without`` is None.
    ``eligible_unread``: one of them is not ignored, so that there is more than ``eligible`` says.

    A scan for the eligible part alone has None for ``without``, zeros in ``rules``, and no roots.
    """

    eligible: Totals
    without: Totals | None
    hidden: Totals
    emptied: Totals
    needed: Totals | None
    roots: tuple[IgnoredRoot, ...]
    rules: tuple[RuleTotals, ...]
    directories: tuple[DirTotals, ...]
    suspects: tuple[str, ...] = ()
    forbidden: tuple[tuple[str, Rule], ...] = ()
    forbidden_count: int = 0
    partly: frozenset[str] = frozenset()
    largest: tuple[tuple[str, int], ...] = ()
    unread: tuple[str, ...] = ()
    eligible_unread: bool = False
