"""The values the ignore package speaks in: dialects, rules, ignore files and verdicts."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple


class PatternError(ValueError):
    """Docker refuses the pattern; the text says why."""


class Dialect(enum.Enum):
    """Whose reading of an ignore file applies.

    The official clients filter the context themselves, and BuildKit's and the classic builder's
    differ: in which excluded directories they enter, which empty directories they send, and
    which ignore files they know (docs/ignore-files.md lists every difference).
    """

    BUILDKIT = "buildkit"
    CLASSIC = "classic"

    @classmethod
    def of_builder(cls, name: str) -> Dialect:
        """How the builder called ``name`` on a command line reads an ignore file."""
        return cls.CLASSIC if name == "classic" else cls.BUILDKIT


class Rule(NamedTuple):
    """One effective line of an ignore file. A tuple, as a file of a megabyte can have half a million.

    ``line`` counts from 1 (0: not in the file, an exception the classic client adds); ``text`` is the
    line as written, without its line end; ``pattern`` is what Docker matches with after cleaning, without
    the ``!`` that ``negated`` stands for.
    """

    line: int
    text: str
    pattern: str
    negated: bool


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """A parsed ignore file: ``path`` as shown to people, its rules in file order, and ``data`` as read."""

    path: str
    rules: tuple[Rule, ...]
    data: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Docker does with one path.

    ``rule`` is the rule that decides (the last one that matches the path or a parent), or None
    when none does. ``root`` is the topmost ignored path of the ignored subtree the path lies in,
    or None when it is kept; by the rules alone, that is: a directory in which an exception keeps something
    that is really there is no ignored root of a scan (see context.roots). ``matches`` are all rules that
    match the path or a parent, in order. ``emptied`` is BuildKit's oddity: the path is kept, and when it is
    a regular file the engine gets it with 0 bytes (a hard link with the content its first name arrives
    with). ``unreached`` is the ignored directory above the path that the builder does not enter, so that an
    exception for the path changes nothing; None when it is entered, or not ignored.
    """

    ignored: bool
    rule: Rule | None
    root: str | None
    matches: tuple[Rule, ...] = ()
    emptied: bool = False
    unreached: str | None = None
