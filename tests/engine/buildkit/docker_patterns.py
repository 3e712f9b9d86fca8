"""ctxsize's own matcher behind the package's PatternMatcher: what the program injects, too."""

from __future__ import annotations

from collections.abc import Sequence

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore import Dialect, DirState, Matcher


class DockerPatterns:
    def __init__(self, patterns: Sequence[str]) -> None:
        try:
            self._matcher = Matcher.from_patterns(patterns, Dialect.BUILDKIT)
        except IgnoreFileError as error:
            raise ValueError(str(error)) from error

    def root(self) -> DirState:
        return self._matcher.start()

    def child(self, state: DirState, name: str) -> DirState:
        return state.child(name)

    def matches(self, state: DirState, name: str) -> bool:
        return state.outcome(name).ignored

    def matches_or_parent(self, path: str) -> bool:
        return self._matcher.matches_or_parent(path)
