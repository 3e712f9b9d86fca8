"""Which fixes hold: all of them at once, and where these don't, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ctxsize.errors import CtxsizeError, Interrupted
from ctxsize.image.inventory import CHANGED
from ctxsize.inspection.fixes.find import Found
from ctxsize.inspection.types import Fix, Proof

#: Builds that may be made to find out which fixes hold.
MOST_BUILDS = 12


@dataclass(frozen=True, slots=True)
class Tried:
    """The ``proof`` of the fixes that hold together, ``held``, which were built as a whole; when none do, of
    all of them. ``fixes`` are all that there were, each with what was found of it. ``failure``: why the
    trials ended early, perhaps without a proof."""

    proof: Proof | None
    held: tuple[Found, ...]
    fixes: tuple[Fix, ...]
    failure: CtxsizeError | None = None


def tried(found: Sequence[Found], attempt: Callable[[Sequence[Found], str], Proof]) -> Tried:
    """Try those of ``found`` that change the Dockerfile. ``attempt`` builds with some, and is given a title
    for it. An interruption and trouble with the engine end the trials, and lose nothing of what was found."""
    trials = _Trials([each for each in found if each.edits])
    failure: CtxsizeError | None = None
    why = f"{MOST_BUILDS} builds were made"
    try:
        trials.run(attempt)
    except (CtxsizeError, KeyboardInterrupt) as error:
        failure = error if isinstance(error, CtxsizeError) else Interrupted("interrupted")
        why = failure.message
    proof = trials.proof and replace(trials.proof, builds=trials.builds)
    return Tried(proof, trials.held, tuple(trials.judged(each, why) for each in found), failure)


@dataclass(slots=True)
class _Trials:
    """What was found so far of the fixes that change the Dockerfile."""

    patched: Sequence[Found]
    proof: Proof | None = None
    held: tuple[Found, ...] = ()
    builds: int = 0
    trouble: dict[Found, str | None] = field(default_factory=dict)

    def run(self, attempt: Callable[[Sequence[Found], str], Proof]) -> None:
        """Try all at once, and then each on top of those that hold."""
        self.proof = attempt(self.patched, "build the fixed Dockerfile")
        self.builds = 1
        if self.proof.holds:
            self.held = tuple(self.patched)
            return
        if len(self.patched) == 1:
            self.trouble[self.patched[0]] = reason(self.proof)
            return
        most = min(MOST_BUILDS, 1 + len(self.patched))
        for each in self.patched[: most - 1]:
            title = f"build {self.builds + 1} of at most {most}, with the fix of line {each.fix.lines[-1]}"
            proof = attempt((*self.held, each), title)
            self.builds += 1
            if proof.holds:
                self.proof, self.held = proof, (*self.held, each)
            else:
                self.trouble[each] = reason(proof)

    def judged(self, found: Found, why: str) -> Fix:
        """A fix with what was found of it; ``why`` says why the trials ended."""
        if found in self.held:
            return replace(found.fix, proven=True)
        if found in self.trouble:
            return replace(found.fix, proven=False, reason=self.trouble[found])
        return replace(found.fix, reason=f"not tried: {why}") if found.edits else found.fix


def reason(proof: Proof) -> str | None:
    """Why a proof does not hold, in one line; None when it does."""
    if proof.holds:
        return None
    if proof.error is not None:
        return "the fixed Dockerfile does not build: " + " ".join(proof.error.split())
    serious = next((each for each in proof.differences if not each.made_anew), None)
    if serious is not None:
        return f"the image is not the same: {serious.path} {CHANGED[serious.what]}"
    if proof.configuration:
        return f"the image is not the same: its configuration differs ({', '.join(proof.configuration)})"
    if proof.verify is not None and not proof.verify.passed:
        return f"`{proof.verify.command}` was stopped" if proof.verify.timed_out else proof.verify.told
    return "the image loses nothing by it"
