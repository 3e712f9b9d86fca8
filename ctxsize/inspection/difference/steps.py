"""Which step of one image is which of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Protocol, TypeVar

from ctxsize.inspection.difference.types import Sizes, StepChange
from ctxsize.inspection.types import ImageStep


class _Texted(Protocol):
    @property
    def text(self) -> str: ...


_Step = TypeVar("_Step", bound=_Texted)
#: Aligning takes time with the square of them; no builder makes so many.
_MOST_ALIGNED = 1_000


def step_changes(
    a: Sequence[ImageStep], b: Sequence[ImageStep], same: set[tuple[int, int]], sized: tuple[bool, bool]
) -> tuple[StepChange, ...]:
    """The steps of both images in their order. ``same`` are pairs of numbers whose layers are the same;
    ``sized`` says of which image the bytes of the layers are known."""
    return tuple(_change(one, other, same, sized) for one, other in aligned(a, b))


def aligned(a: Sequence[_Step], b: Sequence[_Step]) -> Iterator[tuple[_Step | None, _Step | None]]:
    """The steps of two images side by side, by what they say; a step that was rewritten is the same one where
    all around it are."""
    if max(len(a), len(b)) > _MOST_ALIGNED:
        yield from zip_longest(a, b)
        return
    matcher = SequenceMatcher(None, [each.text for each in a], [each.text for each in b], autojunk=False)
    for kind, a_start, a_stop, b_start, b_stop in matcher.get_opcodes():
        ours, theirs = a[a_start:a_stop], b[b_start:b_stop]
        if kind == "equal" or (kind == "replace" and _keywords(ours) == _keywords(theirs)):
            yield from zip(ours, theirs, strict=True)
        else:
            yield from ((one, None) for one in ours)
            yield from ((None, other) for other in theirs)


def _keywords(steps: Sequence[_Step]) -> list[str]:
    """Steps of the same instructions are the same ones, rewritten."""
    return [each.text.partition(" ")[0] for each in steps]


def _change(
    one: ImageStep | None, other: ImageStep | None, same: set[tuple[int, int]], sized: tuple[bool, bool]
) -> StepChange:
    bytes_ = [
        (each.bytes if known or each.layer is None else None) if each is not None else 0
        for each, known in zip((one, other), sized, strict=True)
    ]
    pulls = [
        (each.pull_bytes if each.layer is not None else 0) if each is not None else 0 for each in (one, other)
    ]
    shown = other or one
    assert shown is not None
    if one is None or other is None:
        status = "added" if one is None else "removed"
    else:
        alike = (one.number, other.number) in same or (one.layer is None and other.layer is None)
        status = "same" if alike and one.text == other.text else "changed"
    return StepChange(
        status=status,  # type: ignore[arg-type]
        text=shown.text,
        number_a=None if one is None else one.number,
        number_b=None if other is None else other.number,
        line=shown.line,
        bytes=Sizes(*bytes_),
        pull_bytes=Sizes(*pulls),
    )
