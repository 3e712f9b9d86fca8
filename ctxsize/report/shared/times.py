"""How sure a difference of build times is, in words."""

from __future__ import annotations

from ctxsize.units import format_seconds

#: What is said of one that has no interval: it may be noise.
TOO_FEW = "too few builds to tell it from noise"


def interval(low: float | None, high: float | None) -> str:
    """The 95 % interval in seconds, or that there are too few builds for one."""
    if low is None or high is None:
        return TOO_FEW
    return f"95% {format_seconds(low)} to {format_seconds(high)}"
