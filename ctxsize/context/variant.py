"""The two views of one tree that are built: with the ignore file, and as if there had never been one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def walk(self, keep: Sequence[str] = ()) -> Iterator[Entry]:
        """The entries a build of this variant sends, in Docker's order.

        ``keep`` are paths that are sent although they may be ignored: the classic client always sends
        the Dockerfile and the ignore file, and the builder takes them out again.
        """
        exceptions = tuple(Rule(line=0, text=f"!{path}", pattern=path, negated=True) for path in keep)
        rules = self.rules + exceptions if self.rules else ()
        return walk(self.root, Matcher(rules, self.dialect) if rules else None, hidden=self.hidden)
