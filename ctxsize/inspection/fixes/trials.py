"""Which fixes hold: all of them at once, and where these don't, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ctxsize.inspection.fixes.find import Found
from ctxsize.inspection.types import Fix, Proof

#: Builds that may be made to find out which fixes hold.
MOST_BUILDS = 12


@dataclass(frozen=True, slots=True)
class Tried:
    """The ``proof`` of the fixes that hold together, ``held``, which were built as a whole; when none do, of
    all of them. ``fixes`` are all that there were, each with what was found of it."""

    proof: Proof
    held: tuple[Found, ...]
    fixes: tuple[Fix, ...]


def tried(found: Sequence[Found], attempt: Callable[[Sequence[Found], str], Proof]) -> Tried:
    """Try those of ``found`` that change the Dockerfile. ``attempt`` builds with some, and is given a title
    for it."""
    patched = [each for each in found if each.edits]
    proof = attempt(patched, "build the fixed Dockerfile")
    trouble: dict[Found, str | None] = {}
    held = tuple(patched) if proof.holds else ()
    builds = 1
    if not held and len(patched) == 1:
        trouble[patched[0]] = reason(proof)
    elif not held:
        most = min(MOST_BUILDS, 1 + len(patched))
        for each in patched:
            if builds == most:
                break
            builds += 1
            next_proof = attempt(
                (*held, each), f"build {builds} of at most {most}, with the fix of line {each.fix.lines[-1]}"
            )
            if next_proof.holds:
                proof, held = next_proof, (*held, each)
            else:
                trouble[each] = reason(next_proof)
    fixes = tuple(
        replace(each.fix, proven=True)
        if each in held
        else replace(each.fix, proven=False, reason=trouble[each])
        if each in trouble
        else replace(each.fix, reason=f"not tried: {MOST_BUILDS} builds were made" if each.edits else None)
        for each in found
    )
    return Tried(replace(proof, builds=builds), held, fixes)


def reason(proof: Proof) -> str | None:
    """Why a proof does not hold, in one line; None when it does."""
    if proof.holds:
        return None
    if proof.error is not None:
        return "the fixed Dockerfile does not build: " + " ".join(proof.error.split())
    serious = next((each for each in proof.differences if not each.made_anew), None)
    if serious is not None:
        return f"the image is not the same: {serious.path} {_HOW[serious.what]}"
    if proof.configuration:
        return f"the image is not the same: its configuration differs ({', '.join(proof.configuration)})"
    if proof.verify is not None and not proof.verify.passed:
        code = proof.verify.exit_code
        return f"`{proof.verify.command}` " + (
            "was stopped" if proof.verify.timed_out else f"ended with exit code {code}"
        )
    return "the image loses nothing by it"


_HOW = {
    "missing": "is missing",
    "new": "is new",
    "content": "has another content",
    "mode": "has another mode",
    "owner": "has another owner",
    "type": "is something else",
}
