"""The order of what was saved: by image bytes or, where the image has little of it, by seconds and bytes
sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ctxsize.comparison.types import PathSaving, RuleSaving

#: The part of what is not sent that has to be missing from the image, too, for the image to decide the order.
_WORTH_RANKING = 0.1
_Saving = TypeVar("_Saving", PathSaving, RuleSaving)


def image_decides(savings: Sequence[PathSaving | RuleSaving]) -> bool:
    """Whether the image has enough of what is kept from the engine to decide the order."""
    in_image = sum(each.image_bytes or 0 for each in savings)
    return in_image >= _WORTH_RANKING * sum(each.sent_bytes or 0 for each in savings)


def ranked(savings: Sequence[_Saving], last: Callable[[_Saving], Any]) -> tuple[_Saving, ...]:
    """What saves most comes first. Equals are in the order of ``last``."""
    by_image = image_decides(savings)

    def rank(saving: _Saving) -> tuple[float, float, float]:
        image, context = -(saving.image_bytes or 0), -(saving.context_bytes or 0)
        if by_image:
            return image, context, 0
        return -(saving.seconds or 0.0), -(saving.sent_bytes or 0), context

    return tuple(sorted(savings, key=lambda each: (rank(each), last(each))))
