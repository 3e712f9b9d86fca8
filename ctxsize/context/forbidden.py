"""Which of the paths that a scan meets are forbidden. It changes nothing of what is counted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ctxsize.context.walk import if_it_matters
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.table import Outcome
from ctxsize.ignore.types import Rule

#: Forbidden paths that a scan tells of: a pattern such as ``*`` can forbid a million files, and nobody reads
#: more of them. The others are counted.
MOST_FORBIDDEN = 10_000
#: What is forbidden in a directory: as the state says, all of it by one rule, or nothing (more).
State = DirState | Rule | None


class Forbidden:
    """Rules for what must not arrive. Of a forbidden directory only itself is found; but where some rules are
    exceptions from others, not all in it may be forbidden, so that files are found and no directories."""

    def __init__(self, matcher: Matcher | None) -> None:
        self._only_files = matcher is not None and any(rule.negated for rule in matcher.rules)
        self.start: State = if_it_matters(matcher.start()) if matcher is not None else None

    def find(
        self, entries: Sequence[os.DirEntry[str]], path: str, state: State
    ) -> Iterator[tuple[str, Rule]]:
        """Which entries of the directory ``path``, all of them kept, are forbidden, and by which rule."""
        special: dict[str, Outcome] = {}
        if isinstance(state, DirState):
            special = state.special([entry.name for entry in entries])
            if not special and not state.default.ignored:
                return
        for entry in entries:
            rule = state if isinstance(state, Rule) else None
            if isinstance(state, DirState):
                outcome = special.get(entry.name, state.default)
                rule = outcome.rule if outcome.ignored else None
            if rule is not None and not (self._only_files and entry.is_dir(follow_symlinks=False)):
                yield f"{path}/{entry.name}" if path else entry.name, rule

    def below(self, state: State, name: str, *, kept: bool) -> State:
        """What is forbidden in the subdirectory ``name``, which is ``kept`` itself or (else) ignored."""
        if isinstance(state, DirState):
            outcome = state.outcome(name)
            if not (outcome.ignored and outcome.prunable):
                return if_it_matters(state.child(name, outcome))
            state = outcome.rule
        return None if kept and not self._only_files else state
