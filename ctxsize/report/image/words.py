"""What the reports on an image say in words, the same in every format for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ctxsize.image.fates import Cause
from ctxsize.inspection.leftovers import WORDS
from ctxsize.inspection.types import Fix, ImageReport, ImageStep, Leftover, Proof, WasteGroup
from ctxsize.report.shared.columns import known
from ctxsize.units import format_bytes, format_share

_CAUSES = {
    "same-content": "same content, stored again",
    "replaced": "replaced",
    "removed": "removed",
    "opaque": "its directory was emptied",
    "type-changed": "something of another kind took its place",
}
_CHANGED = {"mode": "mode", "owner": "owner", "time": "time"}


def totals(report: ImageReport) -> Iterator[tuple[str, str, str]]:
    """Name, size and share of the image of each sum; those inside another one begin with spaces."""
    sums = report.totals
    for name, size in (
        ("image", sums.bytes),
        ("  base image", sums.base_bytes),
        ("  shown", sums.live_bytes),
        ("  wasted", sums.wasted_bytes),
        ("    reclaimable", sums.reclaimable_bytes),
        ("leftovers", sums.leftover_bytes),
        ("duplicates", sums.duplicate_bytes),
        ("pull", sums.pull_bytes),
    ):
        if name == "  base image" and size is None:
            continue
        share = (
            ""
            if size is None or not sums.bytes or name in ("image", "pull")
            else format_share(size, sums.bytes)
        )
        yield name, known(size), share


def largest_first(steps: Iterable[ImageStep]) -> list[ImageStep]:
    """The steps to list that made a layer, by its bytes; where these are not known, by what a pull takes."""
    made = (step for step in steps if step.layer is not None and step.listed)
    return sorted(made, key=lambda step: (-(step.bytes or 0), -(step.pull_bytes or 0), step.number))


def cause(group: WasteGroup) -> str:
    """How the bytes died: ``same content, stored again (owner changed)``."""
    return cause_of(group.cause, group.changed)


def cause_of(cause: Cause, changed: Sequence[str]) -> str:
    """The same of one path."""
    text = _CAUSES[cause]
    if changed:
        text += f" ({', '.join(_CHANGED[each] for each in changed)} changed)"
    return text


def where(step: ImageStep) -> str:
    """What people know a step by: its line of the Dockerfile, else its number in the history."""
    return str(step.line) if step.line is not None else f"#{step.number}"


def leftover(found: Leftover) -> str:
    """What it is."""
    return WORDS[found.kind]


def trouble(fix: Fix) -> str:
    """Why a fix is not among what was proven; nothing where it is, or where no proof was asked for."""
    if fix.reason is None:
        return ""
    return f"left out: {fix.reason}" if fix.proven is None else f"does not hold: {fix.reason}"


def proven(proof: Proof) -> Iterator[str]:
    """What a build of the fixed Dockerfile showed, in sentences."""
    if proof.error is not None:
        yield f"the fixed Dockerfile was not proven: {proof.error}"
        return
    how = "a build" if proof.builds == 1 else f"{proof.builds} builds"
    yield (
        f"proven by {how}: the image loses {format_bytes(proof.bytes)}"
        f" (foretold: {format_bytes(proof.expected_bytes)}), a pull about {known(proof.pull_bytes)}"
    )
    if proof.same:
        yield "the image is otherwise the same"
    else:
        yield f"{proof.difference_count} paths are not as they were"
    for text in proof.configuration:
        yield f"the configuration of the image differs: {text}"
    if proof.verify is not None:
        result = "passed" if proof.verify.passed else f"failed with exit code {proof.verify.exit_code}"
        yield f"`{proof.verify.command}` in the fixed image: {result}"
