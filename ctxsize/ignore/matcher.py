"""The matcher: what an ignore file does to every path of a tree.

Three ways to ask, with one answer:

``matcher.verdict(path)``
    all about one path, a pure function of the path; cost grows with its depth and the rules.
``matcher.start()`` → ``DirState`` → ``state.outcome(name)`` → ``state.child(name)``
    walking down, one name at a time.
``state.special(names)``
    a whole directory listing at once, for speed: the outcomes of those names that differ from
    ``state.default``, usually none. A scanner does, per directory::

        special = state.special(names)            # {} in most directories: then all names are state.default
        for name in names:
            outcome = special.get(name, default)  # outcome.ignored, .rule, .emptied
        …
        below = state.child(dirname, outcome)     # for each subdirectory
        below.sink                                # True: all below is as below.default says; ask no more
        outcome.enter                             # an ignored directory: does Docker's walker go in?
        outcome.prunable                          # … and can anything below be kept?

automaton.py says how these are answered; what looks at a path without walking is worked out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from ctxsize.ignore.automaton import Automaton, DirState
from ctxsize.ignore.compiled import CompiledRules
from ctxsize.ignore.parse import clean_pattern
from ctxsize.ignore.pattern import (
    Kind,
    Program,
    compile_pattern,
    go_text,
    matches_path,
    matches_path_or_parent,
    path_or_parent_expression,
)
from ctxsize.ignore.regexset import MANY, RegexSet
from ctxsize.ignore.table import Outcome
from ctxsize.ignore.types import Dialect, Rule, Verdict
from ctxsize.ignore.walkers import Walker


class _Anywhere:
    """Patterns asked about a path and the directories above it at once."""

    __slots__ = ("_patterns", "_sure", "_together")

    def __init__(self, programs: Mapping[str, Program]) -> None:
        self._patterns = list(programs)
        self._together: RegexSet | None = None
        if len(programs) >= MANY:
            spelled = [*map(path_or_parent_expression, programs.values())]
            self._together = RegexSet([expression for expression, _ in spelled])
            self._sure = [exact for _, exact in spelled]

    def find(self, path: str) -> Iterable[tuple[str, bool]]:
        """Those that may match the path or a directory above it, and whether they do for sure."""
        if self._together is None:
            return ((pattern, False) for pattern in self._patterns)
        found = self._together.find(go_text(path).encode())
        return ((self._patterns[index], self._sure[index]) for index in found)


class Matcher:
    """What the rules of an ignore file do, in the dialect of one builder.

    ``rules`` as ``parse_ignore`` returns them, in file order; ``source`` is the ignore file's name in
    errors. Immutable but for its caches; not for use by several threads at once.
    """

    def __init__(self, rules: Sequence[Rule], dialect: Dialect, source: str = ".dockerignore") -> None:
        self.rules = tuple(rules)
        self.dialect = dialect
        self.source = source
        self._compiled = CompiledRules(self.rules, source)
        self._walker = Walker(self.rules, dialect)
        self._automaton = Automaton(self._compiled, self._walker, dialect)
        self._repeated: dict[str, list[int]] | None = None
        self._anywhere: _Anywhere | None = None
        self._classic: dict[str, Matcher] = {}  # by the Dockerfile
        # The patterns without wildcards are their own text, so that a path is looked up among them.
        self._exact = {
            pattern for pattern, program in self._compiled.awake.items() if program.kind is Kind.EXACT
        }

    @classmethod
    def from_patterns(
        cls, patterns: Iterable[str], dialect: Dialect, source: str = ".dockerignore"
    ) -> Matcher:
        """A matcher of patterns as an engine sends them back: already cleaned, ``!`` before exceptions.

        Rule numbers count the patterns from 1. Raises PatternError for a pattern Docker refuses.
        """
        rules = []
        for number, pattern in enumerate(patterns, 1):
            cleaned = clean_pattern(pattern)
            if cleaned is not None:
                rules.append(Rule(number, pattern, *cleaned))
        return cls(rules, dialect, source)

    def start(self) -> DirState:
        """The state of the context's root directory."""
        return DirState(self._automaton, self._automaton.root, "")

    def verdict(self, path: str, is_dir: bool = False) -> Verdict:
        """What Docker does with one path below the root: relative, '/'-separated, not ''.

        ``is_dir`` only says that the path is a directory, which is never ``emptied``. An ignored directory
        still arrives when something below it is kept. Raises IgnoreFileError when Docker fails on a rule
        whose expression Go refuses.
        """
        outcome, root, unreached = self._decide(path)
        matches = tuple(map(self.rules.__getitem__, self._with_repeated(self._matching(path))))
        emptied = outcome.emptied and not is_dir
        return Verdict(outcome.ignored, outcome.rule, root, matches, emptied, unreached)

    def quick_verdict(self, path: str) -> Verdict:
        """:meth:`verdict` of a path that is no directory, without the rules that match it (``matches`` is
        empty), whose search takes most of the time."""
        outcome, root, unreached = self._decide(path)
        return Verdict(outcome.ignored, outcome.rule, root, (), outcome.emptied, unreached)

    def _decide(self, path: str) -> tuple[Outcome, str | None, str | None]:
        """What happens to the path; the verdict's ``root`` and ``unreached``."""
        state = self.start()
        root: str | None = None
        unreached: str | None = None
        for name in path.split("/"):
            here = state.path + name
            outcome = state.outcome(name)
            if not outcome.ignored:
                root = None
            elif root is None:
                root = here
            if here == path:
                break
            if outcome.ignored and unreached is None and not self._walker.enters(here):
                unreached = here
            state = state.child(name, outcome)
        return outcome, root, unreached

    def matches_or_parent(self, path: str, strict: bool = False) -> bool:
        """patternmatcher's ``MatchesOrParentMatches``: ignored when one looks at the path alone, without
        walking. The engine asks it about the Dockerfile and the ignore file, BuildKit on opening a file.

        When that needs a broken rule, the path is not ignored, or IgnoreFileError raised if ``strict``."""
        ignored = False
        for index in self._asked(path):
            if self._compiled.negated[index] == ignored:
                if index in self._compiled.broken:
                    if strict:
                        self._compiled.raise_broken(index, path)
                    return False
                ignored = not ignored
        return ignored

    def _asked(self, path: str) -> list[int]:
        """The indexes of the rules that match the path or a directory above it, and of the broken ones."""
        matching = self._matching(path)
        return sorted(self._compiled.broken.union(matching)) if self._compiled.broken else matching

    def _matching(self, path: str) -> list[int]:
        """The indexes of the rules that match the path or a directory above it, in their order, without those
        that can't decide."""
        found: list[int] = []
        for pattern, sure in self._candidates(path):
            program = self._compiled.awake.get(pattern)
            if sure or matches_path_or_parent(program or compile_pattern(pattern), path):
                found += self._compiled.indexes(pattern)
        return sorted(found)

    def _with_repeated(self, indexes: list[int]) -> list[int]:
        """The indexes, with those of all rules that have the same patterns."""
        if not self._compiled.repeats:
            return indexes
        if self._repeated is None:
            self._repeated = {}
            for index, rule in enumerate(self.rules):
                self._repeated.setdefault(rule.pattern, []).append(index)
        patterns = {self.rules[index].pattern for index in indexes}
        return sorted(chain.from_iterable(map(self._repeated.__getitem__, patterns)))

    def _candidates(self, path: str) -> Iterable[tuple[str, bool]]:
        """The patterns that may match the path or a directory above it, none of them broken, and whether
        they do for sure."""
        compiled = self._compiled
        literals, index, broken = compiled.literals, compiled.index, compiled.broken
        if self._anywhere is None:
            self._anywhere = _Anywhere(
                {
                    pattern: compiled.awake[pattern]
                    for pattern in (compiled.awake if literals is None else literals.others)
                    if pattern not in self._exact and index[pattern] not in broken
                }
            )
        yield from self._anywhere.find(path)
        ends = [at for at, char in enumerate(path) if char == "/"]
        yield from ((path[:at], True) for at in [*ends, len(path)] if path[:at] in self._exact)
        if literals is not None:
            keyed = literals.patterns(literals.texts(path.split("/")))
            yield from ((pattern, False) for pattern in keyed if index[pattern] not in broken)

    def for_classic_build(self, dockerfile: str) -> Matcher:
        """The matcher the classic client walks with: it takes care to send what the daemon must read.

        ``.dockerignore`` and the Dockerfile (``dockerfile``, relative to the context) get an exception at the
        end when they are ignored, as a rule of line 0. The daemon removes them again after reading, if
        ``matches_or_parent`` of *this* matcher says so. Whether they are ignored is asked with a
        comparison that knows one parent only (``TrimBuildFilesFromExcludes`` in github.com/docker/cli), so
        that ``**/a`` keeps ``a/Dockerfile`` from being found and the build fails.
        """
        if dockerfile not in self._classic:
            rules = list(self.rules)
            for path in (".dockerignore", dockerfile):
                if self._matches_one_parent(rules, path):
                    rules.append(Rule(0, f"!{path}", path, True))
            same = len(rules) == len(self.rules)
            self._classic[dockerfile] = self if same else Matcher(rules, self.dialect, self.source)
        return self._classic[dockerfile]

    def ignored_by_podman(self, path: str) -> bool:
        """Whether Podman 4.3 (Buildah 1.28) leaves the path out when it gets there; see
        ctxsize.survey.podman."""
        return self._matches_one_parent(self.rules, path)

    def _matches_one_parent(self, rules: Sequence[Rule], path: str) -> bool:
        """patternmatcher's deprecated ``Matches`` with the matcher's rules and those added to them: a parent
        counts if it has as many components as the pattern; a broken rule means no."""
        ignored = False
        parents = path.split("/")[:-1]
        for index in [*self._asked(path), *range(len(self.rules), len(rules))]:
            rule = rules[index]
            if rule.negated != ignored:
                continue
            if index in self._compiled.broken:
                return False
            program = compile_pattern(rule.pattern)
            size = rule.pattern.count("/") + 1
            if matches_path(program, path) or (
                0 < size <= len(parents) and matches_path(program, "/".join(parents[:size]))
            ):
                ignored = not rule.negated
        return ignored
