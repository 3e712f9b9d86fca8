"""Phrases that several findings use."""

from __future__ import annotations

from ctxsize.lint.types import Cost
from ctxsize.units import format_bytes


def amount(cost: Cost) -> str:
    """``312MB, 41200 files``."""
    return f"{format_bytes(cost.bytes)}, {count(cost.files, 'file')}"


def reach(cost: Cost) -> str:
    """``: 312MB, 41200 files reach the build``; nothing when there is nothing."""
    if not cost.files:
        return ""
    return f": {amount(cost)} {'reaches' if cost.files == 1 else 'reach'} the build"


def count(number: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
