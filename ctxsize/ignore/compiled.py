"""The rules of an ignore file with what their patterns compile to.

Of very many rules most are asleep: not compiled, and in no state of the automaton, until a name appears that
has the literal text without which the rule can't match (literals.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, compress, count
from typing import TYPE_CHECKING, NoReturn

import re2

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.pattern import Kind, Op, Program, compile_pattern, compile_regex, refused_by_go
from ctxsize.ignore.regexset import MANY, RegexSet
from ctxsize.ignore.types import Rule

if TYPE_CHECKING:
    from ctxsize.ignore.literals import Literals

_MOST_AWAKE = 4_000  # patterns; of more, those are compiled that a name may make matter
_PATIENCE = 1  # all wake when waking them bit by bit has cost this many times as much


class CompiledRules:
    """The rules in file order, and those of them that are awake. ``source`` is the file's name in errors."""

    def __init__(self, rules: tuple[Rule, ...], source: str) -> None:
        self.rules = rules
        self.source = source
        self.negated = [rule.negated for rule in rules]
        self.exceptions = True in self.negated
        self.last_exception = max(compress(count(), self.negated), default=-1)
        #: The first rule of each pattern that can decide something: one that repeats another, with none of
        #: the other kind between them, is never asked.
        self.index: dict[str, int] = {}
        self._again: dict[str, list[int]] = {}
        #: Where the kind of rule, ignoring or exception, is not the one before.
        self.changes: list[int] = []
        self._take_in()
        #: Whether a rule that can decide is left out because it repeats one.
        self.repeats = len(self.index) + sum(map(len, self._again.values())) < len(rules)
        #: The rules that are awake: their patterns' programs, by pattern and by the rule's index.
        self.awake: dict[str, Program] = {}
        self.programs: dict[int, Program] = {}
        self.generation = 0  # how often rules have been woken
        self._restarted = 0  # with how many rules in all
        #: What wakes the others; None when few enough rules are all awake from the start.
        self.literals = _literals(self.index) if len(self.index) > _MOST_AWAKE else None
        self.wakeful = self.literals is not None  # whether some are asleep
        self._woken: set[str] = set()
        self._regexes: dict[str, re2._Regexp] = {}
        self._names: tuple[list[str], RegexSet] | None = None
        self._add(self.index if self.literals is None else self.literals.others)
        #: The rules whose expression Go refuses; Docker fails when it evaluates one.
        self.broken = self._find_broken()

    def _take_in(self) -> None:
        """Fill ``index``, ``_again`` and ``changes``."""
        seen: set[str] = set()
        kind = False
        index_of, again = self.index, self._again
        for index, (_, _, pattern, negated) in enumerate(self.rules):
            if negated != kind:
                kind = negated
                self.changes.append(index)
                seen.clear()
            if pattern in seen:
                continue
            seen.add(pattern)
            if index_of.setdefault(pattern, index) != index:
                again.setdefault(pattern, []).append(index)

    def indexes(self, pattern: str) -> list[int]:
        """The indexes of the rules with this pattern that can decide, in their order."""
        return [self.index[pattern], *self._again.get(pattern, ())]

    def _add(self, patterns: Iterable[str]) -> None:
        """Compile the patterns and wake their rules."""
        for pattern in patterns:
            program = self.awake[pattern] = compile_pattern(pattern)
            for index in self.indexes(pattern):
                self.programs[index] = program

    def wake(self, names: Sequence[str]) -> bool:
        """Wake the rules that may match a path because of one of these names in it; whether there are any."""
        assert self.literals is not None
        texts = self.literals.texts(names) - self._woken
        if not texts:
            return False
        self._woken |= texts
        self._restarted += len(self.programs)
        if self._restarted <= _PATIENCE * len(self.rules):
            patterns: Iterable[str] = self.literals.patterns(texts)
        else:
            patterns = self.index.keys() - self.awake.keys()
            self.wakeful = False
        self._add(pattern for pattern in patterns if self.index[pattern] not in self.broken)
        self.generation += 1
        self._names = None
        return True

    def _find_broken(self) -> frozenset[int]:
        """The rules whose expression Go refuses; Docker fails when it evaluates one."""
        expressions = [
            (pattern, program.regex)
            for pattern, program in self.awake.items()
            if program.kind is Kind.REGEX and program.elements[-1].op is Op.WHOLE
        ]
        wrong = refused_by_go(regex for _, regex in expressions)
        broken = {
            *chain.from_iterable(self.indexes(pattern) for pattern, regex in expressions if regex in wrong)
        }
        if self.literals is not None:
            broken.update(*map(self.indexes, self.literals.refused()))
        return frozenset(broken)

    def raise_broken(self, index: int, path: str) -> NoReturn:
        """The error Docker fails with when ``path`` makes it evaluate a broken rule."""
        rule = self.rules[index]
        raise IgnoreFileError(
            f"syntax error in pattern {rule.pattern!r}, met at {path!r}",
            where=f"{self.source}:{rule.line}",
            hint="docker build fails here, too; a [ or \\ to be taken literally is written \\[ or \\\\",
        )

    def texts_matching(self, texts: Mapping[str, object], name: bytes) -> list[str]:
        """Those of the REGEX elements' texts that match the name."""
        if len(texts) >= MANY:
            if self._names is None:
                every = dict.fromkeys(
                    element.text
                    for program in self.awake.values()
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


def _literals(patterns: Collection[str]) -> Literals:
    from ctxsize.ignore.literals import Literals  # slow to import, and hardly any project has so many

    return Literals(patterns)
