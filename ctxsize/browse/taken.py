"""What the Dockerfile takes by name, looked up once, and which of it no longer arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ctxsize.browse.tree import FileTree
from ctxsize.dockerfile.names import ContextDirectory, matches, resolve_links
from ctxsize.dockerfile.sources import Source, Sources
from ctxsize.ignore.matcher import Matcher
from ctxsize.survey.blame import ignored_but_needed


class Taken:
    """The COPY and ADD sources of a project; ``tree`` is judged by the rules that are asked about."""

    def __init__(self, sources: Sources | None, tree: FileTree, context: Path) -> None:
        self._sources = sources
        self._tree = tree
        self._context = context

    def broken(self, rules: Matcher | None) -> list[str]:
        """The lines of which something is there, and nothing arrives."""
        if self._sources is None or rules is None:
            return []
        # The tree in memory says which may be; the question itself is asked of those alone, as it reads the
        # disk.
        suspects = tuple(source for source, paths in self._paths if not self._arrives(paths, rules))
        if not suspects:
            return []
        found = ignored_but_needed(replace(self._sources, items=suspects), rules, self._context)
        return [f"line {each.source.line}: {each.source.keyword} {each.source.pattern}" for each in found]

    @cached_property
    def _paths(self) -> list[tuple[Source, Sequence[tuple[str, str]]]]:
        names = ContextDirectory(self._context)
        found: list[tuple[Source, Sequence[tuple[str, str]]]] = []
        for source in self._sources.items if self._sources is not None else ():
            if source.pattern != ".":
                paths = list(matches(names, source.pattern))
                # A link is followed: what it leads to must be there, too.
                found.append((source, [(path, resolve_links(names, path) or path) for path in paths]))
        return found

    def _arrives(self, paths: Sequence[tuple[str, str]], rules: Matcher) -> bool:
        """Whether one of the paths does, with what it leads to; also when there are none."""
        return not paths or any(all(self._kept(each, rules) for each in {*pair}) for pair in paths)

    def _kept(self, path: str, rules: Matcher) -> bool:
        entry = self._tree.at(path)
        return entry.kept_files > 0 if entry is not None else not rules.verdict(path).ignored
