"""The automaton over names: what happens to a name, and in which state the directory of that name is.

It judges as Docker's clients do while they walk (patternmatcher's ``MatchesUsingParentResults``): each rule
matches a path if it matched the parent or matches the path itself, an ignoring rule is not even asked
while the path is already ignored, nor an exception while it is kept, and the last rule that matches
decides. Around it the walkers decide which ignored directories they enter at all (walkers.py).

How it is fast: rules are taken apart by path component (pattern.py), so a directory is a state: the rule
elements that can still match here, and the rules that matched a parent. Rules whose beginning does not lead
here are gone from it. States are made when first met and shared: all directories where the same rules are
alive have the same table (table.py). Only rules that can't be taken apart look at whole paths (wholes.py).

States made before more rules woke (compiled.py) are made anew. A rule that sleeps matches no path that has
been asked about, so that it changes no answer but one: while there are any, an ignored directory that an
exception among them may bring something back in is not ``prunable``, and no directory that is kept is a
``sink``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ctxsize.ignore.compiled import CompiledRules
from ctxsize.ignore.pattern import Op
from ctxsize.ignore.table import NOTHING_SPECIAL, UNMENTIONED, Outcome, Position, Table
from ctxsize.ignore.types import Dialect
from ctxsize.ignore.walkers import Lead, Walker
from ctxsize.ignore.wholes import Wholes

_MOST_TABLES = 20_000  # states kept for sharing; hostile rules can have very many

_Key = tuple[tuple[Position, ...], int, tuple[int, ...], tuple[int, ...], int]


class DirState:
    """A directory being walked. ``path`` is '' at the root and ends with '/' below it.

    ``default`` is the outcome of every name that :meth:`special` does not return. ``sink``: everything
    below, at any depth, has the outcome ``default``.
    """

    __slots__ = ("_automaton", "_table", "default", "path", "sink")

    def __init__(self, automaton: Automaton, table: Table, path: str) -> None:
        self._automaton = automaton
        self.path = path
        self._set(table)

    def _set(self, table: Table) -> None:
        if table.generation != self._automaton.rules.generation and table.sink is None:
            table = self._automaton.table_at(self.path)
        self._table = table
        self.sink = table.sink is not None
        self.default = table.default or self._automaton.default(table, self.path)

    def special(self, names: Sequence[str]) -> dict[str, Outcome]:
        """The outcomes of those of the names that may differ from ``default``.

        Raises IgnoreFileError when Docker fails on a rule whose expression Go refuses.
        """
        return NOTHING_SPECIAL if self.sink else self._awake(names).special(names, self.path)

    def outcome(self, name: str) -> Outcome:
        """The outcome of one name. Raises IgnoreFileError as :meth:`special`."""
        return self._table.sink or self._awake((name,)).outcome(name, self.path)

    def _awake(self, names: Sequence[str]) -> Table:
        """The table, when all rules are awake that may match one of the names."""
        automaton = self._automaton
        if automaton.rules.wakeful:
            automaton.wake(names)
        if self._table.generation != automaton.rules.generation:
            self._set(self._table)
        return self._table

    def child(self, name: str, outcome: Outcome | None = None) -> DirState:
        """The state of the subdirectory ``name``, whose outcome may be given when it is known."""
        return DirState(self._automaton, (outcome or self.outcome(name))._next, f"{self.path}{name}/")


class Automaton:
    """The states that ``rules`` have with the walker of one dialect."""

    def __init__(self, rules: CompiledRules, walker: Walker, dialect: Dialect) -> None:
        self.rules = rules
        self._walker = walker
        self._buildkit = dialect is Dialect.BUILDKIT
        self._groups: dict[tuple[int, ...], Wholes] = {}
        self._tables: dict[_Key, Table] = {}
        self._sinks: dict[int, Table] = {}
        self.root = self._start()

    def wake(self, names: Sequence[str]) -> None:
        """Wake the rules that may match a path because of one of these names in it."""
        if self.rules.wake(names):
            self._tables.clear()
            self.root = self._start()

    def _start(self) -> Table:
        live, wholes = self._closure((index, 0) for index in self.rules.programs)
        return self._table(live, self._group(wholes), (), (), self._walker.leads)

    def table_at(self, path: str) -> Table:
        """The state of a directory whose path ('' or with a final '/') has been walked before."""
        table, prefix = self.root, ""
        for name in path.split("/")[:-1]:
            table = (table.sink or table.outcome(name, prefix))._next
            prefix += f"{name}/"
        return table

    def _closure(self, positions: Iterable[Position]) -> tuple[tuple[Position, ...], tuple[int, ...]]:
        """The positions and those that a STAR, which may stand for nothing, leads to; apart from them the
        rules that from here on look at whole paths."""
        found = set()
        wholes = set()
        programs = self.rules.programs
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
        return tuple(sorted(found)), tuple(sorted(wholes - self.rules.broken))

    def _group(self, rules: tuple[int, ...]) -> Wholes:
        """The rules that look at whole paths, always the same object for the same rules."""
        group = self._groups.get(rules)
        if group is None:
            every = self.rules.exceptions and self._buildkit
            group = self._groups[rules] = Wholes(rules, self.rules.programs, self.rules.changes, every=every)
        return group

    def _table(
        self,
        live: tuple[Position, ...],
        wholes: Wholes,
        carried: tuple[int, ...],
        matched: tuple[int, ...],
        lead: Lead | None,
    ) -> Table:
        key = (live, id(wholes), carried, matched, id(lead))
        table = self._tables.get(key)
        if table is None:
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
                self._groups.clear()
            table = self._tables[key] = Table(self.rules, self._step, live, wholes, carried, matched, lead)
            if not live and not wholes and not self.rules.broken and not self.rules.wakeful:
                table.sink = self.default(table, "")
                table.sink._next = table
        return table

    def _sink(self, index: int) -> Table:
        """The state in which everything is ignored by one rule."""
        table = self._sinks.get(index)
        if table is None:
            table = self._sinks[index] = Table(
                self.rules, self._step, (), self._group(()), (index,), (), None
            )
            table.default = table.sink = Outcome(
                True, self.rules.rules[index], False, self._walker.enters_all, True, table
            )
        return table

    def default(self, table: Table, path: str) -> Outcome:
        """The outcome of a name that no element of the state mentions."""
        if self.rules.broken:
            # Docker fails when a name makes it evaluate the broken rule: special() asks about every name.
            table.default = Outcome(False, None, False, True, False, table)
        elif table.default is None:
            table.default = table.decide(UNMENTIONED, path)
            table.memo[UNMENTIONED] = table.default
        return table.default

    def _step(
        self,
        table: Table,
        positions: list[Position],
        whole: Sequence[int],
        lead: Lead | None,
        path: str,
    ) -> Outcome:
        """The outcome of a name that the elements at ``positions`` match, its path the rules ``whole``."""
        programs, negated = self.rules.programs, self.rules.negated
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
        for index in sorted(accepted | inherited | self.rules.broken):
            if index not in inherited:
                if negated[index] != ignored:
                    continue  # the rule would change nothing: Docker does not ask it, nor remember it
                if index in self.rules.broken:
                    self.rules.raise_broken(index, path)
            carried.append(index)
            ignored, deciding = not negated[index], index

        emptied = False
        matched: tuple[int, ...] = ()
        if self.rules.exceptions and self._buildkit:
            matched = tuple(sorted(accepted.union(table.matched)))
            if not ignored:
                for index in matched:
                    if negated[index] == emptied:
                        emptied = not emptied
        rule = self.rules.rules[deciding] if deciding >= 0 else None
        live, more = self._closure(following)
        wholes = self._group(tuple(sorted({*table.wholes.rules, *more}))) if more else table.wholes
        if not ignored:
            below = self._table(live, wholes, tuple(carried), matched, lead)
            return Outcome(False, rule, emptied, True, False, below)
        enter = self.rules.exceptions and (lead is not None or self._walker.enters_all)
        hopeless = wholes.last_exception <= deciding and not any(
            negated[index] and index > deciding for index, _ in live
        )
        if self.rules.wakeful and deciding < self.rules.last_exception:
            hopeless = False  # an exception that is asleep may keep something
        if not enter or (hopeless and not self.rules.broken):
            return Outcome(True, rule, False, enter, True, self._sink(deciding))
        return Outcome(
            True, rule, False, True, False, self._table(live, wholes, tuple(carried), matched, lead)
        )
