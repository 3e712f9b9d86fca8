"""The search for what can go together: how many builds it takes, and that nothing wrong is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import pytest

from ctxsize.suggest.search import Found, Search
from ctxsize.suggest.types import Candidate, Outcome
from tests.support.seeds import seeds

#: The build of the project as it is, which is no attempt.
BASELINE = 1
MOST = 12
_Judge = Callable[[frozenset[str]], Outcome]
OK = Outcome(True, "same-image")
FAILS = Outcome(False, "none", "the build fails")


def candidates(count: int, doubted: Iterable[int] = ()) -> list[Candidate]:
    doubts = dict.fromkeys(doubted, ("something names it",))
    return [
        Candidate(f"r{n}", (f"r{n}",), 1, 1000 - n, ("why",), doubts=doubts.get(n, ())) for n in range(count)
    ]


class Builds:
    """Stands in for the trials: what each set comes to is for the test to say."""

    def __init__(self, judge: _Judge, most: int = MOST) -> None:
        self.tried: list[frozenset[str]] = []
        self._judge, self._most = judge, most - BASELINE

    def search(self, wanted: Sequence[Candidate]) -> Found:
        search = Search(self.attempt, lambda: self._most - len(self.tried))
        search.run(wanted)
        return search.found

    def attempt(self, wanted: Sequence[Candidate]) -> Outcome | None:
        if len(self.tried) >= self._most:
            return None
        self.tried.append(frozenset(each.rule for each in wanted))
        return self._judge(self.tried[-1])

    @property
    def count(self) -> int:
        return BASELINE + len(self.tried)


def rules(found: Found) -> set[str]:
    return {each.rule for each in found.accepted}


def three(bad: Iterable[int], kind: str) -> _Judge:
    """Three culprits: those that fail the build are named, or not; those that change the image do so each in
    a way of its own, or all in one path, whose content tells which of them are there, or does not."""
    culprits = [f"r{number}" for number in bad]

    def judge(there: frozenset[str]) -> Outcome:
        hit = [each for each in culprits if each in there]
        if not hit:
            return OK
        fails = {"named": culprits, "mixed": culprits[:1], "silent": culprits}.get(kind, [])
        if failing := [each for each in hit if each in fails]:
            return Outcome(False, "none", "fails", named=frozenset(failing[:1] if kind != "silent" else ()))
        effects = ["one"] if kind in ("same", "content") else hit
        states = {"one": " ".join(hit).encode()} if kind == "content" else {}
        return Outcome(
            False, "builds", "changed", effects={each: f"by {each}" for each in effects}, states=states
        )

    return judge


def test_nothing_fails_takes_two_builds() -> None:
    builds = Builds(lambda there: OK)

    found = builds.search(candidates(20))

    assert builds.count == 2
    assert len(found.accepted) == 20
    assert (found.proof, found.rejected, found.cut_short) == ("same-image", {}, False)


#: Some of the 1,140 ways in which there can be three of twenty. All of them take some minutes.
SOME = list(combinations(range(20), 3))[::190]


@pytest.mark.parametrize(("kind", "most"), [("named", 5), ("distinct", 8), ("mixed", 9), ("content", 12)])
def test_three_culprits_among_twenty_are_found_within_twelve_builds(kind: str, most: int) -> None:
    for bad in SOME:
        builds = Builds(three(bad, kind))
        found = builds.search(candidates(20))
        assert rules(found) == {f"r{n}" for n in range(20) if n not in bad}
        assert set(found.rejected) | found.open == {f"r{n}" for n in bad}
        assert builds.count <= most <= MOST


@pytest.mark.parametrize("kind", ["silent", "same"])
def test_culprits_that_nothing_points_at_cost_rules_and_never_more_builds(kind: str) -> None:
    """Builds that only hold or do not can't tell 1,140 ways apart eleven times: what is proven is kept."""
    kept = []
    for bad in SOME:
        builds = Builds(three(bad, kind))
        found = builds.search(candidates(20))
        kept.append(len(rules(found)))
        assert builds.count <= MOST
        assert not rules(found) & {f"r{n}" for n in bad}
        assert builds.tried.count(frozenset(rules(found))) == 1

    assert min(kept) >= 8
    assert sum(kept) >= 0.75 * 17 * len(SOME)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["named", "distinct", "mixed", "content", "silent", "same"])
def test_every_three_of_twenty(kind: str) -> None:
    for bad in combinations(range(20), 3):
        builds = Builds(three(bad, kind))
        found = builds.search(candidates(20))
        assert builds.count <= MOST
        assert not rules(found) & {f"r{n}" for n in bad}
        assert len(rules(found)) == 17 or kind in ("silent", "same")


@pytest.mark.parametrize("first", seeds(1, 5))
@pytest.mark.parametrize("kind", ["named", "distinct", "mixed", "content", "silent", "same"])
def test_what_is_accepted_was_built_as_a_whole(kind: str, first: int) -> None:
    for bad in list(combinations(range(9), 3))[first::5]:
        builds = Builds(three(bad, kind))
        found = builds.search(candidates(9))
        assert not found.accepted or frozenset(rules(found)) in builds.tried
        assert len(builds.tried) == len(set(builds.tried)), "no set is built twice"


def test_of_two_that_must_not_both_go_the_larger_goes() -> None:
    builds = Builds(lambda there: FAILS if {"r3", "r7"} <= there else OK)

    found = builds.search(candidates(10))

    assert rules(found) == {f"r{n}" for n in range(10)} - {"r7"}
    assert found.rejected["r7"].reason == "the build fails"


def test_those_with_doubts_are_tried_after_the_others() -> None:
    builds = Builds(lambda there: FAILS if "r0" in there else OK)

    found = builds.search(candidates(12, doubted=[0, 5]))

    assert builds.tried[1] == {f"r{n}" for n in range(12)} - {"r0", "r5"}
    assert rules(found) == {f"r{n}" for n in range(12)} - {"r0"}
    assert builds.count <= 5


def test_what_changes_points_at_those_to_try_last() -> None:
    def judge(there: frozenset[str]) -> Outcome:
        if "r4" not in there:
            return OK
        return Outcome(False, "builds", "VERSION changed", hinted=frozenset({"r4"}), effects={"VERSION": "x"})

    builds = Builds(judge)
    found = builds.search(candidates(16))

    assert builds.count == 3
    assert set(found.rejected) == {"r4"}


def test_no_builds_left_says_so_and_keeps_what_holds() -> None:
    builds = Builds(three([12, 15, 19], "silent"), most=5)

    found = builds.search(candidates(20))

    assert found.cut_short
    assert builds.count == 5
    assert rules(found) >= {f"r{n}" for n in range(10)}
    assert not rules(found) & {"r12", "r15", "r19"}


def test_an_interruption_loses_nothing() -> None:
    held: list[frozenset[str]] = []

    def judge(there: frozenset[str]) -> Outcome:
        if held:
            raise KeyboardInterrupt
        if {"r0", "r1"} & there:
            return FAILS
        held.append(there)
        return OK

    builds = Builds(judge)
    search = Search(builds.attempt, lambda: 10)
    with pytest.raises(KeyboardInterrupt):
        search.run(candidates(20))

    assert rules(search.found) == held[0]
    assert search.found.proof == "same-image"


def test_no_candidates_no_builds() -> None:
    builds = Builds(lambda there: OK)

    assert builds.search([]).accepted == ()
    assert builds.count == BASELINE
