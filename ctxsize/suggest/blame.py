"""Who is to blame: the sets of culprits that explain what builds with sets of candidates came to, and what to
build next to learn the most of that.

An image that is not the same tells more than that. Each path that differs is a sign with culprits of its own;
and where it has the same content after two builds, most likely the same of its culprits were in both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import combinations
from math import comb, log2, prod

from ctxsize.suggest.types import Candidate, Outcome

#: Culprits that one sign has at most, as long as there are no more sets of so many.
_MOST_CULPRITS, _MOST_SETS = 3, 3000
#: The odds that a candidate is a culprit of a sign: the only one there is, or one of several.
_ODDS, _ODDS_OF_SEVERAL = 0.25, 0.005
#: How much more likely a candidate is one that a sign points at, or that something speaks against.
_HINTED, _DOUBTED = 10.0, 3.0
#: How much less likely it is that the same culprits come to another content, or others to the same.
_UNLIKELY = 0.02
#: What is this likely is tried as if it were certain.
_LIKELY = 0.5
_ROUNDING = 1e-9
#: A share that counts as none.
_NEXT_TO_NONE = 0.03
#: Guesses that are weighed when two builds are left.
_MOST_GUESSES = 8
#: So few builds are kept for what is to hold in the end.
_FEW = 2
#: How far builds get: one that fails tells nothing of its image, one of another image not whether it works.
_LEVELS = {"none": 0, "builds": 1, "same-image": 2}
_ALL = 3

#: Of a sign, for each build: None where that did not get so far, -1 where it is not there, else the number of
#: its content, 0 where it has none.
_Pattern = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Build:
    """A build with the candidates ``there`` (as bits) that got to ``level``; what was seen there."""

    there: int
    level: int
    signs: frozenset[str]
    outcome: Outcome


class _Signs:
    """Signs that were seen in the same builds, and the sets of culprits (as bits) that explain them, with how
    likely each is. ``reason`` says what one of them is. ``contents`` are the bits of what builds had with a
    content, each with the number of that."""

    def __init__(
        self, reason: str, outcome: Outcome, theories: dict[int, float], contents: Sequence[tuple[int, int]]
    ) -> None:
        self.reason, self.outcome = reason, outcome
        total = sum(theories.values())
        self.theories = {culprits: weight / total for culprits, weight in theories.items()}
        self.best = max(self.theories, key=lambda culprits: self.theories[culprits], default=0)
        self._known = {
            culprits: {culprits & there: number for there, number in contents} if contents else {}
            for culprits in self.theories
        }

    def passes(self, there: int) -> float:
        """How likely none of it is seen in a build with ``there``."""
        return sum(share for culprits, share in self.theories.items() if not culprits & there)

    def seen(self, culprits: int, there: int) -> int:
        """What a build with ``there`` shows of it if these are its culprits: -1 where it is not there, the
        number of a content that was seen with the same of them, or 0 for any other."""
        hit = culprits & there
        return self._known[culprits].get(hit, 0) if hit else -1

    def bits(self, there: int) -> float:
        """How much is learnt of it by building with ``there``, in bits."""
        shares: dict[int, float] = defaultdict(float)
        for culprits, share in self.theories.items():
            shares[self.seen(culprits, there)] += share
        return -sum(share * log2(share) for share in shares.values())


def _most_of(theories: Mapping[int, float]) -> list[int]:
    """The likeliest theories, without those that together have next to no share of the whole."""
    left = sum(theories.values()) * _NEXT_TO_NONE
    found = sorted(theories, key=lambda culprits: theories[culprits])
    for number, culprits in enumerate(found):
        left -= theories[culprits]
        if left < 0:
            return found[number:]
    return found


class Blame:
    """What is known of the candidates of a group, one or more of which are culprits."""

    def __init__(self, group: Sequence[Candidate]) -> None:
        self._group = {each.rule: 1 << number for number, each in enumerate(group)}
        self._sizes = [each.bytes for each in group]
        self._doubted = self._set(each.rule for each in group if each.doubts)
        self._hinted = 0
        self._builds: list[_Build] = []
        self._accepted = 0
        self._known: dict[_Pattern, Sequence[int]] = {}
        sizes = range(_MOST_CULPRITS, 1, -1)
        most = next((size for size in sizes if comb(len(group) + 1, size) <= _MOST_SETS), 1)
        bits = list(self._group.values())
        self._sets = [sum(some) for size in range(1, most + 1) for some in combinations(bits, size)]

    def learn(self, there: Iterable[str], outcome: Outcome) -> None:
        """Take in what a build with these candidates came to."""
        some = self._set(there)
        level = _ALL if outcome.ok else _LEVELS[outcome.proof]
        signs = frozenset() if outcome.ok else frozenset(outcome.effects or ("",))
        self._builds.append(_Build(some, level, signs, outcome))
        self._hinted |= self._set(outcome.hinted)
        if outcome.ok:
            self._accepted |= some

    def signs(self) -> list[_Signs] | None:
        """All that was seen, by the builds it was seen in; None where no theory explains it."""
        patterns: dict[_Pattern, tuple[str, Outcome]] = {}
        every = {(build.level, sign): build.outcome for build in self._builds for sign in build.signs}
        for (level, sign), outcome in every.items():
            patterns.setdefault(self._pattern(level, sign), (sign, outcome))
        found = []
        for pattern, (sign, outcome) in patterns.items():
            theories = self._theories(pattern, _ODDS_OF_SEVERAL if len(every) > 1 else _ODDS)
            if not theories:
                return None
            reason = outcome.effects.get(sign) or outcome.reason or ""
            found.append(_Signs(reason, outcome, theories, self._contents(pattern)))
        return found

    def next(self, signs: Sequence[_Signs], *, left: int) -> frozenset[str]:
        """What to build next: what likely holds, or else what tells the most. With few builds ``left`` it is
        what keeps out most if it holds, and at last what is sure to."""
        everything = (1 << len(self._group)) - 1
        suspects = self._union(culprits for each in signs for culprits in each.theories)
        if left <= _FEW:
            suspects = self._union(culprits for each in signs for culprits in _most_of(each.theories))
            sure = everything & ~suspects
            safe = left <= 1 and self._worth(sure)
            if left == _FEW and len(signs) == 1:
                return self._rules(self._of_two(signs[0], everything, self._safe(signs, sure, suspects)))
            return self._rules(sure if safe else self._safe(signs, sure, suspects))
        if all(each.theories[each.best] >= _LIKELY for each in signs):
            return self._rules(everything & ~self._union(each.best for each in signs))
        there, most = everything & ~suspects, 0.0
        others = self._bits(suspects)
        while others:
            gains = {bit: sum(each.bits(there | bit) for each in signs) for bit in others}
            best = max(gains, key=lambda bit: gains[bit])
            if gains[best] <= most + _ROUNDING:
                break
            there, most = there | best, gains[best]
            others.remove(best)
        return self._rules(there)

    def _safe(self, signs: Sequence[_Signs], free: int, suspects: int) -> int:
        """The set that keeps out most, times how likely it holds."""
        shares = {bit: sum(1 - each.passes(bit) for each in signs) for bit in self._bits(suspects)}
        there, found, most = free, free, float(self._worth(free))
        for bit in sorted(shares, key=lambda bit: shares[bit]):
            there |= bit
            worth = prod(each.passes(there) for each in signs) * self._worth(there)
            if worth > most:
                found, most = there, worth
        return found

    def _of_two(self, sign: _Signs, everything: int, safe: int) -> int:
        """What to build first of two: the set after which most is kept out, as far as can be foretold. One
        that is a guess can be it, if its failure tells what holds."""
        likely = nlargest(_MOST_GUESSES, sign.theories, key=lambda culprits: sign.theories[culprits])
        options = dict.fromkeys([safe, *(everything & ~culprits for culprits in likely)])
        return max(options, key=lambda there: self._expected(sign, everything, there))

    def _expected(self, sign: _Signs, everything: int, there: int) -> float:
        """The bytes that are kept out after a build with ``there`` and one more, times how likely that is."""
        groups: dict[int, dict[int, float]] = defaultdict(dict)
        for culprits, share in sign.theories.items():
            groups[sign.seen(culprits, there)][culprits] = share
        total = 0.0
        for seen, theories in groups.items():
            held, share = there if seen < 0 else 0, sum(theories.values())
            more = share * self._worth(everything & ~self._union(_most_of(theories)) & ~held)
            if not more:
                more = max(
                    theories[culprits] * self._worth(everything & ~culprits & ~held) for culprits in theories
                )
            total += share * self._worth(held) + more
        return total

    def _worth(self, there: int) -> int:
        new = there & ~self._accepted
        return sum(size for size, bit in zip(self._sizes, self._group.values(), strict=True) if bit & new)

    def _bits(self, some: int) -> list[int]:
        return [bit for bit in self._group.values() if bit & some]

    def culprits(self, signs: Sequence[_Signs]) -> Iterator[tuple[frozenset[str], _Signs]]:
        """Those that must be to blame for signs, by all theories."""
        for each in signs:
            certain = ~0
            for culprits in each.theories:
                certain &= culprits
            yield self._rules(certain), each

    def clear(self) -> frozenset[str]:
        """Those that nothing that was seen can be blamed on, whatever explains it."""
        every = {(build.level, sign) for build in self._builds for sign in build.signs}
        found = (1 << len(self._group)) - 1
        for level, sign in every:
            found &= self._without(self._pattern(level, sign))
        return self._rules(found)

    def _pattern(self, level: int, sign: str) -> _Pattern:
        numbers: dict[bytes, int] = {}
        found: list[int | None] = []
        for build in self._builds:
            if build.level < level:
                found.append(None)
            elif build.level > level or sign not in build.signs:
                found.append(-1)
            else:
                state = build.outcome.states.get(sign)
                found.append(0 if state is None else numbers.setdefault(state, len(numbers) + 1))
        return tuple(found)

    def _theories(self, pattern: _Pattern, odds: float) -> dict[int, float]:
        """The sets of culprits that a pattern allows."""
        contents = self._contents(pattern)
        found = {}
        for culprits in self._allowed(pattern):
            weight = odds ** culprits.bit_count()
            weight *= _HINTED ** (culprits & self._hinted).bit_count()
            weight *= _DOUBTED ** (culprits & self._doubted).bit_count()
            if contents:
                seen = {(culprits & there, token) for there, token in contents}
                different = len({hit for hit, _ in seen}) + len({token for _, token in seen})
                weight *= _UNLIKELY ** (2 * len(seen) - different)
            found[culprits] = weight
        return found

    def _allowed(self, pattern: _Pattern) -> Sequence[int]:
        """What has a sign has one or more of its culprits, what does not has none."""
        if not pattern:
            return self._sets
        if pattern not in self._known:
            there, token = self._builds[len(pattern) - 1].there, pattern[-1]
            before = self._allowed(pattern[:-1])
            self._known[pattern] = (
                before if token is None else [each for each in before if bool(each & there) == (token >= 0)]
            )
        return self._known[pattern]

    def _contents(self, pattern: _Pattern) -> list[tuple[int, int]]:
        """The builds in which a sign has a content, each with the number of that."""
        return [
            (build.there, token)
            for build, token in zip(self._builds, pattern, strict=True)
            if token is not None and token > 0
        ]

    def _without(self, pattern: _Pattern) -> int:
        """All that was in a build which got as far as a sign and does not have it."""
        return self._union(
            build.there
            for build, token in zip(self._builds, pattern, strict=True)
            if token is not None and token < 0
        )

    def _set(self, rules: Iterable[str]) -> int:
        return self._union(self._group.get(rule, 0) for rule in rules)

    def _rules(self, some: int) -> frozenset[str]:
        return frozenset(rule for rule, bit in self._group.items() if bit & some)

    @staticmethod
    def _union(sets: Iterable[int]) -> int:
        found = 0
        for each in sets:
            found |= each
        return found
