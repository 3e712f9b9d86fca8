"""The matcher: what an ignore file does to every path of a tree.

Docker's clients decide a path while they walk (patternmatcher's ``MatchesUsingParentResults``): each rule
matches a path if it matched the parent or matches the path itself, an ignoring rule is not even asked
while the path is already ignored, nor an exception while it is kept, and the last rule that matches
decides. Around it the walkers decide which ignored directories they enter at all.

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

How it is fast: rules are taken apart by path component (pattern.py), so a directory is a state of an
automaton over names: the rule elements that can still match here, the rules that matched a parent.
Rules whose beginning does not lead here are gone from it. States are made when first met and shared: all
directories where the same rules are alive share one table, and a name that no element mentions has the
table's default outcome. Only rules that can't be taken apart look at whole paths.

Of very many rules most are asleep: not compiled, and in no state, until a name appears that has the literal
text without which the rule can't match (literals.py). States made before that are made anew. A rule that
sleeps matches no path that has been asked about, so that it changes no answer but one: while there are any,
an ignored directory that an exception among them may bring something back in is not ``prunable``, and no
directory that is kept is a ``sink``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress, count
from typing import Final

import re2

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.literals import Literals
from ctxsize.ignore.parse import clean_pattern
from ctxsize.ignore.pattern import (
    Kind,
    Op,
    PatternError,
    Program,
    compile_pattern,
    compile_regex,
    go_text,
    matches_path,
    matches_path_or_parent,
    path_or_parent_expression,
    refused_by_go,
)
from ctxsize.ignore.regexset import MANY, RegexSet
from ctxsize.ignore.types import Dialect, Rule, Verdict
from ctxsize.ignore.wholes import Wholes

_NONE: Final[dict[str, Outcome]] = {}
_MOST_TABLES = 20_000  # states kept for sharing; hostile rules can have very many
_MOST_ALTERNATIVES = 1_000  # in one expression: RE2 does not compile any number of them
_MOST_AWAKE = 4_000  # patterns; of more, those are compiled that a name may make matter
_PATIENCE = 1  # all wake when waking them bit by bit has cost this many times as much
_BULK = 12  # names from which one expression over the whole listing beats asking name by name
# Rules of BuildKit's walker that keep it from judging exceptions by their beginning (fsutil's patternChars).
_GLOB = re.compile(r"[*\[\]?^\\]")


class Outcome:
    """What happens to a name in a directory of some state.

    ``ignored`` and ``rule`` as in Verdict; ``emptied``: kept, but as a regular file BuildKit delivers it
    with 0 bytes. For a directory that is ignored: ``enter`` tells whether Docker's walker goes into it,
    ``prunable`` that nothing below it is kept (so a scan for what is kept need not go in, even when Docker
    does). Both speak of the entry as if it were a directory; a kept directory is entered and not prunable.
    Below a prunable directory all outcomes are alike, and only a wildcard exception makes ``enter`` True.
    """

    __slots__ = ("_next", "emptied", "enter", "ignored", "prunable", "rule")

    def __init__(
        self, ignored: bool, rule: Rule | None, emptied: bool, enter: bool, prunable: bool, following: _Table
    ) -> None:
        self.ignored = ignored
        self.rule = rule
        self.emptied = emptied
        self.enter = enter
        self.prunable = prunable
        self._next = following

    def __repr__(self) -> str:
        shown = f"ignored={self.ignored}, rule={self.rule}, emptied={self.emptied}"
        return f"Outcome({shown}, enter={self.enter}, prunable={self.prunable})"


class _Lead:
    """A node in the tree of the exceptions' literal beginnings, which walkers compare directories with."""

    __slots__ = ("_below", "_texts")

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self._below: dict[str, list[str] | _Lead] | None = None

    @property
    def below(self) -> dict[str, list[str] | _Lead]:
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

    def get(self, name: str) -> _Lead | None:
        """The node of a name, always the same one; None when no beginning leads there."""
        found = self.below.get(name)
        if isinstance(found, list):
            found = self.below[name] = _Lead(found)
        return found


_Position = tuple[int, int]  # index of a rule, index of an element of its pattern
_Key = tuple[tuple[_Position, ...], int, tuple[int, ...], tuple[int, ...], int]
_Signature = tuple[str | None, str | None, bool, tuple[_Position, ...], tuple[int, ...]]
_UNMENTIONED: Final[_Signature] = (None, None, False, (), ())


class _Table:
    """A state of the automaton: what names mean in the directories that have it. Shared, lazily filled."""

    __slots__ = (
        "affixed",
        "always",
        "bulk",
        "carried",
        "default",
        "ends",
        "exts",
        "generation",
        "lead",
        "literals",
        "matched",
        "matcher",
        "memo",
        "newline",
        "patterned",
        "prefixes",
        "regexes",
        "sink",
        "starts",
        "suffixes",
        "wholes",
    )

    def __init__(
        self,
        matcher: Matcher,
        live: Iterable[_Position],
        wholes: Wholes,
        carried: tuple[int, ...],
        matched: tuple[int, ...],
        lead: _Lead | None,
    ) -> None:
        self.matcher = matcher
        self.wholes = wholes
        self.generation = matcher._generation
        self.carried = carried
        self.matched = matched
        self.lead = lead
        self.sink: Outcome | None = None
        literals: dict[str, list[_Position]] = {}
        self.exts: dict[str, list[_Position]] = {}
        self.prefixes: dict[str, list[_Position]] = {}
        self.suffixes: dict[str, list[_Position]] = {}
        self.regexes: dict[str, list[_Position]] = {}
        self.always: list[_Position] = []
        self.newline: list[_Position] = []  # those of `always` that a name with a newline does not match
        programs = matcher._programs
        for position in live:
            element = programs[position[0]].elements[position[1]]
            op, text = element.op, element.text
            if op is Op.LITERAL:
                literals.setdefault(text, []).append(position)
            elif op is Op.ANY or op is Op.STAR or op is Op.TAIL:
                self.always.append(position)
                if text:
                    self.newline.append(position)
            elif op is Op.SUFFIX:
                if text.rfind(".") == 0:
                    self.exts.setdefault(text, []).append(position)
                else:
                    self.suffixes.setdefault(text, []).append(position)
            elif op is Op.PREFIX:
                self.prefixes.setdefault(text, []).append(position)
            else:
                self.regexes.setdefault(text, []).append(position)
        # Names that exceptions begin with are met, too, whether an element asks for them or not.
        self.literals: dict[str, Sequence[_Position]] = (
            {**dict.fromkeys(lead.below, ()), **literals} if lead else {**literals}
        )
        self.starts = tuple(self.prefixes)
        self.ends = tuple(self.suffixes)
        self.affixed = bool(self.prefixes or self.suffixes or self.regexes)
        self.patterned = self.affixed or bool(self.exts)
        self.bulk: re2._Regexp | None = None
        self.memo: dict[_Signature, Outcome] = {}
        self.default: Outcome | None = None

    def special(self, names: Sequence[str], prefix: str) -> dict[str, Outcome]:
        """The outcomes of the names that may differ from the default."""
        if self.wholes or self.matcher._broken:
            default = self.default
            outcomes = {name: self.outcome(name, prefix) for name in names}
            return {name: outcome for name, outcome in outcomes.items() if outcome is not default}
        one_by_one = self.patterned or bool(self.newline)
        if one_by_one and len(names) >= _BULK:
            joined = "/".join(names)
            one_by_one = bool(self.newline) and "\n" in joined
            if not one_by_one and self.patterned:
                one_by_one = self._bulk_regex().search(go_text(joined).encode()) is not None
        if one_by_one:
            found = {}
            default = self.default
            literals, exts, affixed, newline = self.literals, self.exts, self.affixed, self.newline
            outcome = self.outcome
            for name in names:
                if (
                    affixed
                    or name in literals
                    or (exts and name[name.rfind(".") :] in exts)
                    or (newline and "\n" in name)
                ):
                    one = outcome(name, prefix)
                    if one is not default:
                        found[name] = one
            return found
        literals = self.literals
        if not literals or literals.keys().isdisjoint(names):
            return _NONE
        return {name: self.outcome(name, prefix) for name in names if name in literals}

    def outcome(self, name: str, prefix: str) -> Outcome:
        """What happens to one name, in the directory whose path (with a final '/') is ``prefix``."""
        literal = name if name in self.literals else None
        ext = None
        if self.exts:
            ext = name[name.rfind(".") :]
            if ext not in self.exts:
                ext = None
        newline = bool(self.newline) and "\n" in name
        hits: tuple[_Position, ...] = ()
        if self.affixed:
            found: list[_Position] = []
            if self.starts and name.startswith(self.starts):
                found += chain.from_iterable(
                    positions for text, positions in self.prefixes.items() if name.startswith(text)
                )
            if self.ends and name.endswith(self.ends):
                found += chain.from_iterable(
                    positions for text, positions in self.suffixes.items() if name.endswith(text)
                )
            encoded = go_text(name).encode() if self.regexes else b""
            # One expression for all of them, so that the usual name costs one search.
            if self.regexes and (not 3 <= len(self.regexes) < MANY or self._bulk_regex().search(encoded)):
                for text in self.matcher._texts_matching(self.regexes, encoded):
                    found += self.regexes[text]
            hits = tuple(found)
        wholes = self.wholes.matching(prefix + name) if self.wholes else ()
        signature = (literal, ext, newline, hits, wholes)
        outcome = self.memo.get(signature)
        if outcome is None:
            outcome = self.memo[signature] = self._decide(signature, prefix + name)
        return outcome

    def _bulk_regex(self) -> re2._Regexp:
        """One expression that finds whether any name of a '/'-joined listing is matched by an element."""
        if self.bulk is None:
            parts = [f"{re2.escape(ext)}(?:/|$)" for ext in self.exts]
            parts += [f"{re2.escape(text)}(?:/|$)" for text in self.suffixes]
            parts += [f"(?:^|/){re2.escape(text)}" for text in self.prefixes]
            parts += [f"(?:^|/)(?:{text})(?:/|$)" for text in self.regexes]
            self.bulk = _alternatives(parts)
        return self.bulk

    def _decide(self, signature: _Signature, path: str) -> Outcome:
        literal, ext, newline, hits, wholes = signature
        positions = [*self.always, *hits]
        if newline:
            positions = [position for position in positions if position not in self.newline]
        if literal is not None:
            positions += self.literals[literal]
        if ext is not None:
            positions += self.exts[ext]
        lead = self.lead.get(literal) if self.lead is not None and literal is not None else None
        return self.matcher._step(self, positions, wholes, lead, path)


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


class DirState:
    """A directory being walked. ``path`` is '' at the root and ends with '/' below it.

    ``default`` is the outcome of every name that :meth:`special` does not return. ``sink``: everything
    below, at any depth, has the outcome ``default``.
    """

    __slots__ = ("_table", "default", "path", "sink")

    def __init__(self, table: _Table, path: str) -> None:
        self.path = path
        self._set(table)

    def _set(self, table: _Table) -> None:
        matcher = table.matcher
        if table.generation != matcher._generation and table.sink is None:
            table = matcher._table_at(self.path)
        self._table = table
        self.sink = table.sink is not None
        self.default = table.default or matcher._default(table, self.path)

    def special(self, names: Sequence[str]) -> dict[str, Outcome]:
        """The outcomes of those of the names that may differ from ``default``.

        Raises IgnoreFileError when Docker fails on a rule whose expression Go refuses.
        """
        return _NONE if self.sink else self._awake(names).special(names, self.path)

    def outcome(self, name: str) -> Outcome:
        """The outcome of one name. Raises IgnoreFileError as :meth:`special`."""
        return self._table.sink or self._awake((name,)).outcome(name, self.path)

    def _awake(self, names: Sequence[str]) -> _Table:
        """The table, when all rules are awake that may match one of the names."""
        matcher = self._table.matcher
        if matcher._wakeful:
            matcher._wake(names)
        if self._table.generation != matcher._generation:
            self._set(self._table)
        return self._table

    def child(self, name: str, outcome: Outcome | None = None) -> DirState:
        """The state of the subdirectory ``name``, whose outcome may be given when it is known."""
        return DirState((outcome or self.outcome(name))._next, f"{self.path}{name}/")


class Matcher:
    """What the rules of an ignore file do, in the dialect of one builder.

    ``rules`` as ``parse_ignore`` returns them, in file order; ``source`` is the ignore file's name in
    errors. Immutable but for its caches; not for use by several threads at once.
    """

    def __init__(self, rules: Sequence[Rule], dialect: Dialect, source: str = ".dockerignore") -> None:
        self.rules = tuple(rules)
        self.dialect = dialect
        self.source = source
        self._negated = [rule.negated for rule in self.rules]
        self._exceptions = True in self._negated
        self._last_exception = max(compress(count(), self._negated), default=-1)
        # The rules that can decide something, by pattern: one that repeats another, with none of the other
        # kind between them, is never asked.
        self._index: dict[str, int] = {}
        self._again: dict[str, list[int]] = {}
        self._changes: list[int] = []  # where the kind, ignoring or exception, is not the one before
        self._take_in()
        self._repeated: dict[str, list[int]] | None = None
        self._broken: frozenset[int] = frozenset()
        beginnings = self._beginnings()
        self._weird_exceptions = dialect is Dialect.BUILDKIT and any(map(_GLOB.search, beginnings))
        self._leads = _Lead(beginnings)
        self._regexes: dict[str, re2._Regexp] = {}
        self._names: tuple[list[str], RegexSet] | None = None
        self._anywhere: _Anywhere | None = None
        self._groups: dict[tuple[int, ...], Wholes] = {}
        self._tables: dict[_Key, _Table] = {}
        self._sinks: dict[int, _Table] = {}
        # The rules that are awake: their patterns' programs, by pattern and by the rule's index.
        self._compiled: dict[str, Program] = {}
        self._programs: dict[int, Program] = {}
        self._generation = 0  # how often rules have been woken
        self._restarted = 0  # with how many rules in all
        # What wakes the others; None when few enough rules are all awake from the start.
        self._literals = Literals(self._index) if len(self._index) > _MOST_AWAKE else None
        self._wakeful = self._literals is not None  # whether some are asleep
        self._woken: set[str] = set()
        self._add(self._index if self._literals is None else self._literals.others)
        self._broken = self._find_broken()
        # Those of them without wildcards are their own text, so that a path is looked up among them.
        self._exact = {pattern for pattern, program in self._compiled.items() if program.kind is Kind.EXACT}
        self._root = self._start()

    def _take_in(self) -> None:
        """Fill ``_index``, ``_again`` and ``_changes``."""
        seen: set[str] = set()
        kind = False
        index_of, again = self._index, self._again
        for index, (_, _, pattern, negated) in enumerate(self.rules):
            if negated != kind:
                kind = negated
                self._changes.append(index)
                seen.clear()
            if pattern in seen:
                continue
            seen.add(pattern)
            if index_of.setdefault(pattern, index) != index:
                again.setdefault(pattern, []).append(index)

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
        return DirState(self._root, "")

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
        *parents, name = path.split("/")
        state = self.start()
        root: str | None = None
        unreached: str | None = None
        for parent in parents:
            outcome = state.outcome(parent)
            if not outcome.ignored:
                root = None
            elif root is None:
                root = state.path + parent
            if outcome.ignored and unreached is None and not self._enters(state.path + parent):
                unreached = state.path + parent
            state = state.child(parent, outcome)
        outcome = state.outcome(name)
        if not outcome.ignored:
            root = None
        elif root is None:
            root = path
        return outcome, root, unreached

    def matches_or_parent(self, path: str, strict: bool = False) -> bool:
        """patternmatcher's ``MatchesOrParentMatches``: ignored when one looks at the path alone, without
        walking. The engine asks it about the Dockerfile and the ignore file, BuildKit on opening a file.

        When that needs a broken rule, the path is not ignored, or IgnoreFileError raised if ``strict``."""
        ignored = False
        for index in self._asked(path):
            if self._negated[index] == ignored:
                if index in self._broken:
                    if strict:
                        self._raise_broken(index, path)
                    return False
                ignored = not ignored
        return ignored

    def _asked(self, path: str) -> list[int]:
        """The indexes of the rules that match the path or a directory above it, and of the broken ones."""
        matching = self._matching(path)
        return sorted(self._broken.union(matching)) if self._broken else matching

    def _matching(self, path: str) -> list[int]:
        """The indexes of the rules that match the path or a directory above it, in their order, without those
        that can't decide."""
        found: list[int] = []
        for pattern, sure in self._candidates(path):
            if sure or matches_path_or_parent(self._compiled.get(pattern) or compile_pattern(pattern), path):
                found += self._indexes(pattern)
        return sorted(found)

    def _with_repeated(self, indexes: list[int]) -> list[int]:
        """The indexes, with those of all rules that have the same patterns."""
        if len(self._index) + sum(map(len, self._again.values())) == len(self.rules):
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
        if self._anywhere is None:
            awake = self._compiled if self._literals is None else self._literals.others
            self._anywhere = _Anywhere(
                {
                    pattern: self._compiled[pattern]
                    for pattern in awake
                    if pattern not in self._exact and self._index[pattern] not in self._broken
                }
            )
        yield from self._anywhere.find(path)
        ends = [at for at, char in enumerate(path) if char == "/"]
        yield from ((path[:at], True) for at in [*ends, len(path)] if path[:at] in self._exact)
        if self._literals is not None:
            keyed = self._literals.patterns(self._literals.texts(path.split("/")))
            yield from ((pattern, False) for pattern in keyed if self._index[pattern] not in self._broken)

    def _enters(self, path: str) -> bool:
        """Whether the dialect's walker enters this directory although it is ignored."""
        if self._weird_exceptions:
            return True
        node: _Lead | None = self._leads if self._exceptions else None
        for name in path.split("/"):
            node = node.get(name) if node else None
        return node is not None

    def may_include_below(self, path: str) -> bool:
        """Whether fsutil, with these as *include* patterns, enters a directory none of them matches."""
        include = [rule.pattern for rule in self.rules if not rule.negated]
        trimmed = [_without_trailing_glob(pattern) for pattern in include]
        if any(_GLOB.search(pattern) for pattern in trimmed):
            return True
        return any(f"{pattern}/".startswith(f"{path}/") for pattern in trimmed)

    def for_classic_build(self, dockerfile: str) -> Matcher:
        """The matcher the classic client walks with: it takes care to send what the daemon must read.

        ``.dockerignore`` and the Dockerfile (``dockerfile``, relative to the context) get an exception at the
        end when they are ignored, as a rule of line 0. The daemon removes them again after reading, if
        ``matches_or_parent`` of *this* matcher says so. Whether they are ignored is asked with a
        comparison that knows one parent only (``TrimBuildFilesFromExcludes`` in github.com/docker/cli), so
        that ``**/a`` keeps ``a/Dockerfile`` from being found and the build fails.
        """
        rules = list(self.rules)
        for path in (".dockerignore", dockerfile):
            if self._matches_one_parent(rules, path):
                rules.append(Rule(0, f"!{path}", path, True))
        return self if len(rules) == len(self.rules) else Matcher(rules, self.dialect, self.source)

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
            if index in self._broken:
                return False
            program = compile_pattern(rule.pattern)
            size = rule.pattern.count("/") + 1
            if matches_path(program, path) or (
                0 < size <= len(parents) and matches_path(program, "/".join(parents[:size]))
            ):
                ignored = not rule.negated
        return ignored

    def _indexes(self, pattern: str) -> list[int]:
        """The indexes of the rules with this pattern that can decide, in their order."""
        return [self._index[pattern], *self._again.get(pattern, ())]

    def _add(self, patterns: Iterable[str]) -> None:
        """Compile the patterns and wake their rules."""
        for pattern in patterns:
            program = self._compiled[pattern] = compile_pattern(pattern)
            for index in self._indexes(pattern):
                self._programs[index] = program

    def _wake(self, names: Sequence[str]) -> None:
        """Wake the rules that may match a path because of one of these names in it."""
        assert self._literals is not None
        texts = self._literals.texts(names) - self._woken
        if not texts:
            return
        self._woken |= texts
        self._restarted += len(self._programs)
        if self._restarted <= _PATIENCE * len(self.rules):
            patterns: Iterable[str] = self._literals.patterns(texts)
        else:
            patterns = self._index.keys() - self._compiled.keys()
            self._wakeful = False
        self._add(pattern for pattern in patterns if self._index[pattern] not in self._broken)
        self._generation += 1
        self._names = None
        self._tables.clear()
        self._root = self._start()

    def _start(self) -> _Table:
        live, wholes = self._closure((index, 0) for index in self._programs)
        return self._table(live, self._group(wholes), (), (), self._leads)

    def _table_at(self, path: str) -> _Table:
        """The state of a directory whose path ('' or with a final '/') has been walked before."""
        table, prefix = self._root, ""
        for name in path.split("/")[:-1]:
            table = (table.sink or table.outcome(name, prefix))._next
            prefix += f"{name}/"
        return table

    def _find_broken(self) -> frozenset[int]:
        """The rules whose expression Go refuses; Docker fails when it evaluates one."""
        expressions = [
            (pattern, program.regex)
            for pattern, program in self._compiled.items()
            if program.kind is Kind.REGEX and program.elements[-1].op is Op.WHOLE
        ]
        wrong = refused_by_go(regex for _, regex in expressions)
        broken = {
            *chain.from_iterable(self._indexes(pattern) for pattern, regex in expressions if regex in wrong)
        }
        if self._literals is not None:
            broken.update(*map(self._indexes, self._literals.refused()))
        return frozenset(broken)

    def _raise_broken(self, index: int, path: str) -> None:
        rule = self.rules[index]
        raise IgnoreFileError(
            f"syntax error in pattern {rule.pattern!r}, met at {path!r}",
            where=f"{self.source}:{rule.line}",
            hint="docker build fails here, too; a [ or \\ to be taken literally is written \\[ or \\\\",
        )

    def _beginnings(self) -> list[str]:
        """The exceptions as the dialect's walker compares directories with their beginnings.

        Classic (``Tarballer`` in github.com/moby/go-archive): the whole pattern as text. BuildKit
        (``NewFilterFS`` in github.com/tonistiigi/fsutil): without one trailing ``/**`` and then ``/*``; if
        wildcards are left in any exception, every ignored directory is entered.
        """
        patterns = [rule.pattern for rule in self.rules if rule.negated]
        return [*map(_without_trailing_glob, patterns)] if self.dialect is Dialect.BUILDKIT else patterns

    def _texts_matching(self, texts: Mapping[str, object], name: bytes) -> list[str]:
        """Those of the REGEX elements' texts that match the name."""
        if len(texts) >= MANY:
            if self._names is None:
                every = dict.fromkeys(
                    element.text
                    for program in self._compiled.values()
                    for element in program.elements
                    if element.op is Op.REGEX
                )
                self._names = list(every), RegexSet([f"^(?:{text})$" for text in every])
            known, together = self._names
            return [known[index] for index in together.find(name) if known[index] in texts]
        return [text for text in texts if self._name_regex(text).search(name)]

    def _name_regex(self, text: str) -> re2._Regexp:
        regex = self._regexes.get(text)
        if regex is None:
            regex = self._regexes[text] = compile_regex(f"^(?:{text})$")
        return regex

    def _closure(self, positions: Iterable[_Position]) -> tuple[tuple[_Position, ...], tuple[int, ...]]:
        """The positions and those that a STAR, which may stand for nothing, leads to; apart from them the
        rules that from here on look at whole paths."""
        found = set()
        wholes = set()
        programs = self._programs
        for index, at in positions:
            elements = programs[index].elements
            while True:
                op = elements[at].op
                if op is Op.WHOLE:
                    wholes.add(index)
                    break
                found.add((index, at))
                if op is not Op.STAR:  # never the last element
                    break
                at += 1
        return tuple(sorted(found)), tuple(sorted(wholes - self._broken))

    def _group(self, rules: tuple[int, ...]) -> Wholes:
        """The rules that look at whole paths, always the same object for the same rules."""
        group = self._groups.get(rules)
        if group is None:
            every = self._exceptions and self.dialect is Dialect.BUILDKIT
            group = self._groups[rules] = Wholes(rules, self._programs, self._changes, every=every)
        return group

    def _table(
        self,
        live: tuple[_Position, ...],
        wholes: Wholes,
        carried: tuple[int, ...],
        matched: tuple[int, ...],
        lead: _Lead | None,
    ) -> _Table:
        key = (live, id(wholes), carried, matched, id(lead))
        table = self._tables.get(key)
        if table is None:
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
                self._groups.clear()
            table = self._tables[key] = _Table(self, live, wholes, carried, matched, lead)
            if not live and not wholes and not self._broken and not self._wakeful:
                table.sink = self._default(table, "")
                table.sink._next = table
        return table

    def _sink(self, index: int) -> _Table:
        """The state in which everything is ignored by one rule."""
        table = self._sinks.get(index)
        if table is None:
            table = self._sinks[index] = _Table(self, (), self._group(()), (index,), (), None)
            table.default = table.sink = Outcome(
                True, self.rules[index], False, self._weird_exceptions, True, table
            )
        return table

    def _default(self, table: _Table, path: str) -> Outcome:
        """The outcome of a name that no element of the state mentions."""
        if self._broken:
            # Docker fails when a name makes it evaluate the broken rule: special() asks about every name.
            table.default = Outcome(False, None, False, True, False, table)
        elif table.default is None:
            table.default = table._decide(_UNMENTIONED, path)
            table.memo[_UNMENTIONED] = table.default
        return table.default

    def _step(
        self,
        table: _Table,
        positions: list[_Position],
        whole: Sequence[int],
        lead: _Lead | None,
        path: str,
    ) -> Outcome:
        """The outcome of a name that the elements at ``positions`` match, its path the rules ``whole``."""
        programs, negated = self._programs, self._negated
        accepted = set(whole)
        following = []
        for index, at in positions:
            elements = programs[index].elements
            element = elements[at]
            if element.accepts:
                accepted.add(index)
            if element.op is Op.STAR or element.op is Op.TAIL:
                following.append((index, at))
            elif at + 1 < len(elements):
                following.append((index, at + 1))

        ignored, deciding = False, -1
        carried = []
        inherited = set(table.carried)
        for index in sorted(accepted | inherited | self._broken):
            if index not in inherited:
                if negated[index] != ignored:
                    continue  # the rule would change nothing: Docker does not ask it, nor remember it
                if index in self._broken:
                    self._raise_broken(index, path)
            carried.append(index)
            ignored, deciding = not negated[index], index

        emptied = False
        matched: tuple[int, ...] = ()
        if self._exceptions and self.dialect is Dialect.BUILDKIT:
            matched = tuple(sorted(accepted.union(table.matched)))
            if not ignored:
                for index in matched:
                    if negated[index] == emptied:
                        emptied = not emptied
        rule = self.rules[deciding] if deciding >= 0 else None
        live, more = self._closure(following)
        wholes = self._group(tuple(sorted({*table.wholes.rules, *more}))) if more else table.wholes
        if not ignored:
            below = self._table(live, wholes, tuple(carried), matched, lead)
            return Outcome(False, rule, emptied, True, False, below)
        enter = self._exceptions and (lead is not None or self._weird_exceptions)
        hopeless = wholes.last_exception <= deciding and not any(
            negated[index] and index > deciding for index, _ in live
        )
        if self._wakeful and deciding < self._last_exception:
            hopeless = False  # an exception that is asleep may keep something
        if not enter or (hopeless and not self._broken):
            return Outcome(True, rule, False, enter, True, self._sink(deciding))
        return Outcome(
            True, rule, False, True, False, self._table(live, wholes, tuple(carried), matched, lead)
        )


def _alternatives(expressions: Sequence[str]) -> re2._Regexp:
    """One expression for all; if they are too many, one that always matches, so that each is asked."""
    if len(expressions) > _MOST_ALTERNATIVES:
        return compile_regex("")
    try:
        return compile_regex("|".join(expressions))
    except PatternError:
        return compile_regex("")


def _without_trailing_glob(pattern: str) -> str:
    """fsutil's ``patternWithoutTrailingGlob``."""
    return pattern.removesuffix("/**").removesuffix("/*")
