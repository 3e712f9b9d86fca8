"""One state of the automaton: what the names in a directory that has it mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Final

import re2

from ctxsize.ignore.compiled import CompiledRules
from ctxsize.ignore.pattern import Op, compile_regex, go_text
from ctxsize.ignore.regexset import MANY
from ctxsize.ignore.types import PatternError, Rule
from ctxsize.ignore.walkers import Lead
from ctxsize.ignore.wholes import Wholes

_MOST_ALTERNATIVES = 1_000  # in one expression: RE2 does not compile any number of them
_BULK = 12  # names from which one expression over the whole listing beats asking name by name


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
        self, ignored: bool, rule: Rule | None, emptied: bool, enter: bool, prunable: bool, following: Table
    ) -> None:
        self.ignored = ignored
        self.rule = rule
        self.emptied = emptied
        self.enter = enter
        self.prunable = prunable
        self._next = following


Position = tuple[int, int]  # index of a rule, index of an element of its pattern
_Signature = tuple[str | None, str | None, bool, tuple[Position, ...], tuple[int, ...]]
#: The signature of a name that no element of a state mentions.
UNMENTIONED: Final[_Signature] = (None, None, False, (), ())
NOTHING_SPECIAL: Final[dict[str, Outcome]] = {}
#: Makes the outcome of a name: the state, the elements that match the name, the rules that match its whole
#: path, the node of the exceptions' beginnings, and the path.
_Step = Callable[["Table", list[Position], Sequence[int], Lead | None, str], Outcome]


class Table:
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
        "memo",
        "newline",
        "patterned",
        "prefixes",
        "regexes",
        "rules",
        "sink",
        "starts",
        "step",
        "suffixes",
        "wholes",
    )

    def __init__(
        self,
        rules: CompiledRules,
        step: _Step,
        live: Iterable[Position],
        wholes: Wholes,
        carried: tuple[int, ...],
        matched: tuple[int, ...],
        lead: Lead | None,
    ) -> None:
        self.rules = rules
        self.step = step
        self.wholes = wholes
        self.generation = rules.generation
        self.carried = carried
        self.matched = matched
        self.lead = lead
        self.sink: Outcome | None = None
        literals: dict[str, list[Position]] = {}
        self.exts: dict[str, list[Position]] = {}
        self.prefixes: dict[str, list[Position]] = {}
        self.suffixes: dict[str, list[Position]] = {}
        self.regexes: dict[str, list[Position]] = {}
        self.always: list[Position] = []
        self.newline: list[Position] = []  # those of `always` that a name with a newline does not match
        programs = rules.programs
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
        self.literals: dict[str, Sequence[Position]] = (
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
        if self.wholes or self.rules.broken:
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
            if affixed and len(names) >= _BULK and not (newline and "\n" in joined):
                # Most names are none of those that the expression finds in the listing.
                search = self._bulk_regex().search
                names = [name for name in names if name in literals or search(go_text(name).encode())]
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
            return NOTHING_SPECIAL
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
        hits: tuple[Position, ...] = ()
        if self.affixed:
            found: list[Position] = []
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
                for text in self.rules.texts_matching(self.regexes, encoded):
                    found += self.regexes[text]
            hits = tuple(found)
        wholes = self.wholes.matching(prefix + name) if self.wholes else ()
        signature = (literal, ext, newline, hits, wholes)
        outcome = self.memo.get(signature)
        if outcome is None:
            outcome = self.memo[signature] = self.decide(signature, prefix + name)
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

    def decide(self, signature: _Signature, path: str) -> Outcome:
        """The outcome of a name of which the elements say this, at ``path``."""
        literal, ext, newline, hits, wholes = signature
        positions = [*self.always, *hits]
        if newline:
            positions = [position for position in positions if position not in self.newline]
        if literal is not None:
            positions += self.literals[literal]
        if ext is not None:
            positions += self.exts[ext]
        lead = self.lead.get(literal) if self.lead is not None and literal is not None else None
        return self.step(self, positions, wholes, lead, path)


def _alternatives(expressions: Sequence[str]) -> re2._Regexp:
    """One expression for all; if they are too many, one that always matches, so that each is asked."""
    if len(expressions) > _MOST_ALTERNATIVES:
        return compile_regex("")
    try:
        return compile_regex("|".join(expressions))
    except PatternError:
        return compile_regex("")
