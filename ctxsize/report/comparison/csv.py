"""The ignored paths of a comparison as comma-separated values; empty is what is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ctxsize.comparison.types import Comparison
from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look

#: Columns that are called as the figure of a path that is in them.
_FIGURES = ("files", "context_bytes", "image_bytes", "pull_bytes", "seconds", "seconds_source")
HEADER = ("path", "rule_line", "rule", *_FIGURES)


def draw(result: Comparison, look: Look) -> str:
    """A line per ignored root, all of them; ``look`` is not used."""
    return "".join(csv_lines(HEADER, rows(result)))


def rows(result: Comparison) -> Iterator[tuple[Any, ...]]:
    """The lines, by HEADER."""
    for path in result.paths:
        figures = (getattr(path, name) for name in _FIGURES)
        yield (path.path, path.rule.line, path.rule.text.strip(), *figures)
