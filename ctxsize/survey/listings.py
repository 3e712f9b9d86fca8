"""What a walk lists of a project: the files that arrive, and those that are ignored."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ctxsize.context.classic import removed_by_daemon
from ctxsize.context.links import walk_key
from ctxsize.context.walk import Entry, OpenTree, visit, walk
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.project import Project


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file that the build can't see: ``rule`` decides it, or the directory it is ignored with.

    ``bytes`` as everywhere, but of a hard-linked file the whole content, whatever its other names are.
    """

    path: str
    rule: Rule
    bytes: int


def ignored(root: Path | str, matcher: Matcher, *, hidden: frozenset[str] = frozenset()) -> Iterator[Ignored]:
    """Yield every entry (but directories) that the rules keep out, in the order of the walk.

    ``hidden`` paths are left out. Raises as :func:`ctxsize.context.walk.walk`.
    """
    with OpenTree(root) as opened:
        for entry in visit(opened, matcher.start(), hopeless=True, enters=lambda _, below: below is not None):
            rule = entry.outcome.rule if entry.outcome is not None and entry.outcome.ignored else None
            if rule is not None and not entry.is_dir and entry.path not in hidden:
                yield Ignored(entry.path, rule, Entry(entry.path, entry.stat).bytes)


@dataclass(frozen=True, slots=True)
class Listing:
    """What to walk: the context ``root`` with a ``matcher`` (None: all of it is kept).

    ``hidden`` are the ignore files, which a project without one would not have. ``removed`` are the files
    that the classic daemon takes out again of what it got, each with the rule that it is for.
    """

    root: Path
    matcher: Matcher | None
    hidden: frozenset[str]
    removed: Mapping[str, Rule]

    def kept(self) -> Iterator[Entry]:
        """What arrives, directories included, in the order of the walk."""
        return (entry for entry in walk(self.root, self.matcher) if entry.path not in self.removed)

    def kept_files(self) -> Iterator[Entry]:
        """What arrives but directories, in the order of the walk."""
        return (entry for entry in self.kept() if not entry.is_dir)

    def ignored(self) -> Iterator[Ignored]:
        """What does not arrive, but directories and hidden files, in the order of the walk."""
        if self.matcher is None:
            return iter(())
        out = ignored(self.root, self.matcher, hidden=self.hidden)
        removed = sorted(self._removed(), key=lambda item: walk_key(item.path))
        return heapq.merge(out, removed, key=lambda item: walk_key(item.path)) if removed else out

    def _removed(self) -> Iterator[Ignored]:
        """The files that were sent and removed."""
        for path, rule in self.removed.items():
            if path not in self.hidden and self.matcher and not self.matcher.verdict(path).ignored:
                try:
                    st = os.lstat(self.root / path)
                except FileNotFoundError:
                    continue
                yield Ignored(path, rule, st.st_size)


def listing_of(project: Project) -> Listing:
    """What is sent of a project: the classic client makes exceptions for what the daemon must read."""
    rules, dockerfile = project.rules, project.dockerfile_in_context
    if rules is None or project.dialect is Dialect.BUILDKIT:
        return Listing(project.context, rules, project.ignore_files, {})
    removed = {path: rules.rules[index] for path, index in removed_by_daemon(rules, dockerfile).items()}
    sent = rules.for_classic_build(dockerfile or ".dockerignore")
    return Listing(project.context, sent, project.ignore_files, removed)
