"""Which candidates can go together: all at once, then without those that the log names, then by halves.

Every set that is accepted was built as a whole: the last one is the proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ctxsize.suggest.types import Candidate, Proof

_Set = frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of building with a set of candidates.

    ``ok``: the image is otherwise the same, and works as far as that was asked. ``proof`` is how far it got,
    ``reason`` why not further. ``named`` are the candidates that the builder's own words name. ``effects``
    is all that is not as it was, each with why that matters; a build that failed tells of none. ``hinted``
    are the candidates that those point at.
    """

    ok: bool
    proof: Proof
    reason: str | None = None
    named: _Set = frozenset()
    hinted: _Set = frozenset()
    effects: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """What the search has found so far: ``accepted`` together, and why others are not. ``proof`` is that of
    the accepted ones. ``cut_short``: there were no more builds for the rest. ``open`` are those one or more
    of which change something."""

    accepted: tuple[Candidate, ...] = ()
    proof: Proof = "none"
    rejected: dict[str, Outcome] = field(default_factory=dict)
    cut_short: bool = False
    open: set[str] = field(default_factory=set)

    def cut_short_by(self, candidates: Iterable[Candidate]) -> None:
        """There are no builds left to find out which of ``candidates`` is to blame."""
        self.open.update(each.rule for each in candidates)


class Search:
    """Looks for a set of candidates, as large as can be, that changes nothing.

    ``attempt`` builds with a set, and gives None when there may be no more builds; ``left`` says how many
    there may be. ``found`` is there at any moment, so that an interruption loses nothing.
    """

    def __init__(
        self, attempt: Callable[[Sequence[Candidate]], Outcome | None], left: Callable[[], int]
    ) -> None:
        self.found = Found()
        self._attempt = attempt
        self._left = left
        self._known: dict[_Set, Outcome] = {}
        self._traced: set[str] = set()

    def run(self, candidates: Iterable[Candidate]) -> None:
        """Search among ``candidates``, the largest first."""
        self._take(sorted(candidates, key=lambda each: -each.bytes))

    def _take(self, group: list[Candidate]) -> None:
        """Accept what can be accepted of a group, on top of what is accepted already."""
        if not group or self.found.cut_short:
            return
        outcome = self._tried(group)
        if outcome is None or outcome.ok:
            return
        if named := [each for each in group if each.rule in outcome.named]:
            self._reject(named, outcome)
            self._take([each for each in group if each.rule not in outcome.named])
        elif len(group) == 1:
            self._reject(group, outcome)
        elif len(outcome.effects) > 1 and not self._traced.issuperset(outcome.effects):
            self._traced.update(outcome.effects)
            self._trace(group, outcome)
        else:
            # What failed with the second half is known when the first one has been accepted whole.
            for part in _parts(group, outcome.hinted):
                self._take(part)

    def _tried(self, group: Sequence[Candidate]) -> Outcome | None:
        """Build with what is accepted and a group, which is accepted, too, if that holds."""
        together = (*self.found.accepted, *group)
        key = frozenset(each.rule for each in together)
        outcome = self._known.get(key) or self._attempt(together)
        if outcome is None:
            self.found.cut_short = True
            return None
        self._known[key] = outcome
        if outcome.ok:
            self.found.accepted, self.found.proof = together, outcome.proof
        return outcome

    def _trace(self, group: list[Candidate], outcome: Outcome) -> None:
        """Find out which of a group have the effects of an outcome, all of them at once, and go on without.

        Each build halves, for every effect, the candidates that may have it: the half is in it, and so are
        all that have no effect.
        """
        suspects = {effect: list(group) for effect in outcome.effects}
        while any(len(each) > 1 for each in suspects.values()) and self._left() > 1:
            suspected = {each.rule for some in suspects.values() for each in some}
            halves = [_parts(some, outcome.hinted)[0] for some in suspects.values() if len(some) > 1]
            chosen = {each.rule for half in halves for each in half}
            alone = {some[0].rule for some in suspects.values() if len(some) == 1}
            accepted = {each.rule for each in self.found.accepted}
            part = [
                each
                for each in group
                if (each.rule in chosen or each.rule not in suspected)
                and each.rule not in alone
                and each.rule not in accepted
            ]
            if not part:
                break
            tried = self._tried(part)
            if tried is None:
                return
            if not tried.ok and not tried.effects:
                break  # it does not even build: what that has to do with the effects is not known
            known = accepted | {each.rule for each in part}
            for effect, some in suspects.items():
                there = effect in tried.effects
                left = [each for each in some if (each.rule in known) == there]
                # Nobody has it alone: whoever makes it so together with others is found when it is tried.
                suspects[effect] = left or some[:1]
        self._drop(group, suspects, outcome)

    def _drop(
        self, group: list[Candidate], suspects: Mapping[str, list[Candidate]], outcome: Outcome
    ) -> None:
        """Reject those that have an effect, and take the others."""
        accepted = {each.rule for each in self.found.accepted}
        gone: set[str] = set()
        for effect, some in suspects.items():
            if len(some) == 1 and some[0].rule not in accepted:
                gone.add(some[0].rule)
                self._reject(some, replace(outcome, reason=outcome.effects[effect]))
        if not gone or self._left() <= 1:
            # With one build left, only those are tried that nothing is suspected of.
            gone |= {each.rule for some in suspects.values() for each in some}
            self.found.cut_short_by(each for each in group if each.rule in gone - set(self.found.rejected))
        rest = [each for each in group if each.rule not in gone | accepted]
        self._take(rest)

    def _reject(self, candidates: Iterable[Candidate], outcome: Outcome) -> None:
        for each in candidates:
            self.found.rejected[each.rule] = outcome


def _parts(group: list[Candidate], hinted: _Set) -> tuple[list[Candidate], list[Candidate]]:
    """A group as two: those that nothing speaks against and the others, or else halves."""
    for suspects in (
        [each for each in group if each.rule in hinted],
        [each for each in group if each.doubts],
    ):
        if suspects and len(suspects) < len(group):
            gone = {each.rule for each in suspects}
            return [each for each in group if each.rule not in gone], suspects
    middle = (len(group) + 1) // 2
    return group[:middle], group[middle:]
