"""Which ignored directories the walker of a builder's client enters, to look for what exceptions keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ctxsize.ignore.types import Dialect, Rule

# Rules of BuildKit's walker that keep it from judging exceptions by their beginning (fsutil's patternChars).
_GLOB = re.compile(r"[*\[\]?^\\]")


class Lead:
    """A node in the tree of the exceptions' literal beginnings, which walkers compare directories with."""

    __slots__ = ("_below", "_texts")

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self._below: dict[str, list[str] | Lead] | None = None

    @property
    def below(self) -> dict[str, list[str] | Lead]:
        """What follows each name: texts, until :meth:`get` makes a node of them."""
        if self._below is None:
            below: dict[str, list[str]] = {}
            for text in self._texts:
                name, slash, rest = text.partition("/")
                following = below.setdefault(name, [])
                if slash:
                    following.append(rest)
            self._below = {**below}
        return self._below

    def get(self, name: str) -> Lead | None:
        """The node of a name, always the same one; None when no beginning leads there."""
        found = self.below.get(name)
        if isinstance(found, list):
            found = self.below[name] = Lead(found)
        return found


class Walker:
    """The directories that a dialect's walker enters although they are ignored.

    ``enters_all``: it enters every one. ``leads`` is the root of the tree of the exceptions' beginnings.
    """

    def __init__(self, rules: Sequence[Rule], dialect: Dialect) -> None:
        beginnings = _beginnings(rules, dialect)
        self.enters_all = dialect is Dialect.BUILDKIT and any(map(_GLOB.search, beginnings))
        self.leads = Lead(beginnings)
        self._exceptions = bool(beginnings)

    def enters(self, path: str) -> bool:
        """Whether it enters this directory although it is ignored."""
        if self.enters_all:
            return True
        node: Lead | None = self.leads if self._exceptions else None
        for name in path.split("/"):
            node = node.get(name) if node else None
        return node is not None


def _beginnings(rules: Sequence[Rule], dialect: Dialect) -> list[str]:
    """The exceptions as the dialect's walker compares directories with their beginnings.

    Classic (``Tarballer`` in github.com/moby/go-archive): the whole pattern as text. BuildKit
    (``NewFilterFS`` in github.com/tonistiigi/fsutil): without one trailing ``/**`` and then ``/*``; if
    wildcards are left in any exception, every ignored directory is entered.
    """
    patterns = [rule.pattern for rule in rules if rule.negated]
    if dialect is Dialect.CLASSIC:
        return patterns
    return [pattern.removesuffix("/**").removesuffix("/*") for pattern in patterns]
