"""What would change in the ignore file, as a unified diff."""

from __future__ import annotations

from ctxsize.report.shared.look import Look
from ctxsize.suggest.types import Suggestion


def draw(result: Suggestion, look: Look) -> str:
    """The diff of ``result``; nothing where nothing is proposed. ``look`` is not used."""
    return result.diff
