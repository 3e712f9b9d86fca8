"""The reports of several comparisons, one below the other, and what they save together."""

from __future__ import annotations

from collections.abc import Sequence

from ctxsize.comparison.types import Comparison
from ctxsize.report.comparison import table
from ctxsize.report.shared.look import Look
from ctxsize.units import format_bytes


def draw(results: Sequence[Comparison], look: Look) -> str:
    """``results`` as text."""
    return "\n".join([*(table.draw(result, look) for result in results), together(results)])


def together(results: Sequence[Comparison]) -> str:
    """What all save: a line, with a line end."""
    sums = []
    for name, what in (("context_bytes", "context"), ("image_bytes", "images")):
        found = [getattr(result.saved, name) for result in results]
        known = [each for each in found if each is not None]
        if known:
            of = "" if len(known) == len(found) else f" ({len(known)} of {len(found)})"
            sums.append(f"{format_bytes(sum(known))} of {what}{of}")
    return f"all {len(results)} save {' and '.join(sums) or 'nothing that is known'}\n"
