"""The two views of one tree that are built: with the ignore file, and as if there had never been one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctxsize.context.changes import Changes
from ctxsize.context.walk import Entry, walk
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, Rule


@dataclass(frozen=True, slots=True)
class Variant:
    """A read-only view of the context directory ``root``; nothing is ever written there.

    ``rules`` are the ignore file's for the ``with`` variant and None for ``without``. ``hidden`` are
    context paths that do not exist as far as this variant is concerned: the ignore files, in ``without``.
    ``changes`` exist in what is sent, and nowhere else. ``ignore_file`` is the path of an ignore file and
    what a builder that reads it itself is given in its place. ``named`` has the views of the named
    contexts.
    """

    name: str
    root: Path
    rules: Matcher | None
    hidden: frozenset[str]
    dialect: Dialect
    changes: Changes = field(default_factory=Changes)
    ignore_file: tuple[Path, bytes] | None = None
    named: Mapping[str, Variant] = field(default_factory=dict)

    @property
    def without(self) -> bool:
        """Whether this is the variant without the ignore file."""
        return self.name == "without"

    def restoring(self, path: str, ignore_file: Path, content: bytes) -> Variant:
        """The same view with the ignored root ``path``, and all in it, no longer ignored.

        ``content`` is the ``ignore_file``'s. Raises ValueError for a name that no rule can be written for.
        """
        if path != path.strip() or "\n" in path or "\r" in path:
            raise ValueError(
                "no rule of an ignore file can name a path with a line end, or with white space at an end"
            )
        try:
            path.encode()
        except UnicodeEncodeError:
            raise ValueError("no rule of an ignore file can name a path that is not UTF-8") from None
        pattern = _literal(path)
        exception = f"!/{pattern}"
        rules = self.rules.rules if self.rules is not None else ()
        return replace(
            self,
            name=f"{self.name} {path}",
            rules=Matcher((*rules, Rule(0, exception, pattern, negated=True)), self.dialect),
            ignore_file=(ignore_file, content + b"\n" + exception.encode() + b"\n"),
        )

    def replacing(self, path: str, content: bytes) -> Variant:
        """The same view, in which the file ``path``, also one that the tree has not, has that content."""
        return replace(self, changes=self.changes.then(Changes({path: content})))

    def walk(self, dockerfile: str | None = None) -> Iterator[Entry]:
        """The entries a build of this variant sends, in Docker's order.

        ``dockerfile`` is its path in the context, None when it lies outside: the classic client always
        sends it and the ignore file, and the daemon takes them out again when they are ignored.
        """
        return walk(self.root, self._matcher(dockerfile), hidden=self.hidden)

    def replaced(self, dockerfile: str | None = None) -> dict[str, bytes]:
        """The new contents among ``changes`` that this variant does not ignore; see ``walk``."""
        matcher = self._matcher(dockerfile)
        if matcher is None:
            return dict(self.changes.replaced)
        verdicts = {path: matcher.verdict(path) for path in self.changes.replaced}
        return {
            path: b"" if verdicts[path].emptied else content
            for path, content in self.changes.replaced.items()
            if not verdicts[path].ignored
        }

    def _matcher(self, dockerfile: str | None) -> Matcher | None:
        if self.rules is None or not self.rules.rules:
            return None
        if self.dialect is Dialect.CLASSIC:
            return self.rules.for_classic_build(dockerfile or ".dockerignore")
        return self.rules


def _literal(path: str) -> str:
    """The pattern that matches this path alone. Without wildcards a pattern is taken as it is; with one, it
    is a regular expression in which more characters have a meaning (docs/ignore-files.md)."""
    return re.sub(r"([][*?\\|{}()+^$])", r"\\\1", path) if re.search(r"[*?[\\]", path) else path
