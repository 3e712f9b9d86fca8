"""The two views of one tree that are built: with the ignore file, and as if there had never been one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ctxsize.context.walk import Entry, walk
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, Rule


@dataclass(frozen=True, slots=True)
class Variant:
    """A read-only view of the context directory ``root``; nothing is ever written there.

    ``rules`` are the ignore file's for the ``with`` variant and empty for ``without``. ``hidden`` are
    context paths that do not exist as far as this variant is concerned: the ignore files, in ``without``.
    """

    name: str
    root: Path
    rules: tuple[Rule, ...]
    hidden: frozenset[str]
    dialect: Dialect

    @property
    def without(self) -> bool:
        """Whether this is the variant without the ignore file."""
        return self.name == "without"

    def walk(self, dockerfile: str | None = None) -> Iterator[Entry]:
        """The entries a build of this variant sends, in Docker's order.

        ``dockerfile`` is its path in the context, None when it lies outside: the classic client always
        sends it and the ignore file, and the daemon takes them out again when they are ignored.
        """
        matcher = Matcher(self.rules, self.dialect) if self.rules else None
        if matcher is not None and self.dialect is Dialect.CLASSIC:
            matcher = matcher.for_classic_build(dockerfile or ".dockerignore")
        return walk(self.root, matcher, hidden=self.hidden)
