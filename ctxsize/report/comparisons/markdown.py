"""Several comparisons as Markdown, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from ctxsize.comparison.types import Comparison
from ctxsize.report.comparison import markdown
from ctxsize.report.comparisons.table import together
from ctxsize.report.shared.look import Look


def draw(results: Sequence[Comparison], look: Look) -> str:
    """``results`` as Markdown."""
    return "\n".join([*(markdown.draw(result, look) for result in results), together(results)])
