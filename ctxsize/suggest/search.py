"""Which candidates can go together: all at once, then without those that the log names, then without those
that are to blame for what was seen.

Every set that is accepted was built as a whole: the last one is the proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ctxsize.suggest.blame import Blame
from ctxsize.suggest.types import Candidate, Outcome, Proof

_Set = frozenset[str]


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
        elif len(outcome.effects) < 2 and (parts := _set_apart(group, outcome.hinted)):
            for part in parts:
                self._take(part)
        else:
            self._narrow(group, outcome)

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

    def _narrow(self, group: list[Candidate], outcome: Outcome) -> None:
        """Find out which of a group are to blame, and accept the others."""
        blame = Blame(group)
        blame.learn((each.rule for each in group), outcome)
        while (signs := blame.signs()) is not None:
            wanted = blame.next(signs, left=self._left())
            accepted = {each.rule for each in self.found.accepted}
            part = [each for each in group if each.rule in wanted - accepted]
            if not part:
                break
            tried = self._tried(part)
            if tried is None:
                break
            if named := [each for each in part if each.rule in tried.named]:
                self._reject(named, tried)
                gone = tried.named | {each.rule for each in self.found.accepted}
                self._take([each for each in group if each.rule not in gone])
                return
            blame.learn(accepted | {each.rule for each in part}, tried)
        for rules, sign in blame.culprits(signs or ()):
            to_blame = [each for each in group if each.rule in rules]
            self._reject(to_blame, replace(sign.outcome, reason=sign.reason))
        known = {each.rule for each in self.found.accepted} | set(self.found.rejected)
        rest = [each for each in group if each.rule not in known]
        if signs is None:
            # More culprits than one looks for, or some that are only together to blame.
            clear = blame.clear()
            self._take([each for each in rest if each.rule in clear])
            rest = [each for each in rest if each.rule not in clear]
            middle = (len(rest) + 1) // 2
            for half in (rest[:middle], rest[middle:]):
                self._take(half)
        else:
            self.found.cut_short_by(rest)

    def _reject(self, candidates: Iterable[Candidate], outcome: Outcome) -> None:
        for each in candidates:
            self.found.rejected[each.rule] = outcome


def _set_apart(group: list[Candidate], hinted: _Set) -> tuple[list[Candidate], list[Candidate]] | None:
    """A group as two: those that nothing speaks against, and the others; None where that is no help."""
    for suspects in (
        [each for each in group if each.rule in hinted],
        [each for each in group if each.doubts],
    ):
        if suspects and len(suspects) < len(group):
            gone = {each.rule for each in suspects}
            return [each for each in group if each.rule not in gone], suspects
    return None
