"""The lines to add to the ignore file: ``ctxsize suggest --format dockerignore >> .dockerignore``."""

from __future__ import annotations

from ctxsize.report.shared.look import Look
from ctxsize.suggest.types import Suggestion


def draw(result: Suggestion, look: Look) -> str:
    """The lines of ``result``; nothing where nothing is proposed. ``look`` is not used."""
    return result.block
