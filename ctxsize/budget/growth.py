"""Which paths make something larger than it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ctxsize.budget.types import Grown
from ctxsize.measure.target import LargestPaths, StepSize

#: Paths named below a limit that is not kept.
MOST = 5
# A directory is left out for the one path in it that makes up this much of its growth, in per cent.
_ALMOST_ALL = 80
#: Characters of an instruction that a message has.
_MOST_SHOWN = 80


def grown(before: LargestPaths, after: LargestPaths, kind: Literal["context", "image"]) -> tuple[Grown, ...]:
    """The paths that grew most, the largest growth first: as deep as one path accounts for the growth, and
    never a path together with one in it. Empty when the baseline has no paths."""
    if not before.sizes:
        return ()
    below: dict[str, list[str]] = {}
    for path in after.sizes:
        if path:
            below.setdefault(_above(path, after.sizes), []).append(path)
    growths = {path: _growth(path, before, after.sizes) for path in after.sizes}
    found = []
    for path in below.get("", ()):
        while inner := below.get(path):
            largest = max(inner, key=lambda name: (growths[name], name))
            if 100 * growths[largest] < _ALMOST_ALL * growths[path]:
                break
            path = largest
        if growths[path] > 0:
            past = before.sizes.get(path, 0 if before.complete else None)
            found.append(Grown(path, past, after.sizes[path], kind))
    found.sort(key=lambda item: (-growths[item.path], item.path))
    return tuple(found[:MOST])


def grown_lines(
    before: Sequence[StepSize], after: Sequence[StepSize], of: Literal["bytes", "pull_bytes"] = "bytes"
) -> tuple[Grown, ...]:
    """Every step that both images have or only the later one, in the order of the Dockerfile, and what it had
    before. Empty when that is not known."""
    if not before or any(getattr(step, of) is None for step in (*before, *after)):
        return ()
    from ctxsize.inspection.difference.steps import aligned  # most checks have no image to compare with

    found = []
    for one, other in aligned(before, after):
        if other is not None:
            text = other.text if len(other.text) <= _MOST_SHOWN else f"{other.text[: _MOST_SHOWN - 1]}…"
            name = text if other.line is None else f"line {other.line}: {text}"
            found.append(Grown(name, 0 if one is None else getattr(one, of), getattr(other, of), "line"))
    return tuple(found)


def _above(path: str, known: Mapping[str, int]) -> str:
    """The nearest path above that is known; '' when there is none."""
    above = path.rpartition("/")[0]
    while above and above not in known:
        above = above.rpartition("/")[0]
    return above


def _growth(path: str, before: LargestPaths, after: Mapping[str, int]) -> int:
    """How much a path grew, at least: what an incomplete list leaves out is no larger than its smallest."""
    past = before.sizes.get(path)
    if past is None:
        past = 0 if before.complete else min(before.sizes.values())
    return after[path] - past
