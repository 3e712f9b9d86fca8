"""What the formats that people read say of a size of two images."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.inspection.difference.types import ImageDifference, Sizes
from ctxsize.report.shared.columns import known
from ctxsize.units import format_bytes


def change(sizes: Sizes) -> str:
    """``+3MB``, ``-120kB``, ``0B``; ``?`` where one of them is not known."""
    return known(sizes.change, signed)


def signed(size: int) -> str:
    """A number of bytes with its sign."""
    return format_bytes(size) if size <= 0 else f"+{format_bytes(size)}"


def totals(result: ImageDifference) -> Iterator[tuple[str, str, str, str]]:
    """A row for each total that is known of either image: its name, both sizes, the change."""
    sums = result.totals
    for name, sizes in (
        ("image", sums.bytes),
        ("of it wasted", sums.wasted_bytes),
        ("pull", sums.pull_bytes),
    ):
        if sizes.a is not None or sizes.b is not None:
            yield name, known(sizes.a), known(sizes.b), change(sizes)


def verdict(result: ImageDifference) -> str:
    """One sentence: which is larger, and by how much."""
    for name, sizes in (("image", result.totals.bytes), ("pull", result.totals.pull_bytes)):
        if (grown := sizes.change) is None:
            continue
        if grown == 0:
            return f"the {name} is as large as before"
        share = f" ({100 * abs(grown) / sizes.a:.1f} %)" if sizes.a else ""
        return f"the {name} is {format_bytes(abs(grown))}{share} {'larger' if grown > 0 else 'smaller'}"
    return "no size is known of both"
