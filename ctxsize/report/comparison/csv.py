"""The ignored paths of a comparison as comma-separated values; empty is what is unknown."""

from __future__ import annotations

from ctxsize.comparison.types import Comparison
from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look

_COLUMNS = (
    "path",
    "rule_line",
    "rule",
    "files",
    "context_bytes",
    "image_bytes",
    "pull_bytes",
    "seconds",
    "seconds_source",
)


def draw(result: Comparison, look: Look) -> str:
    """A line per ignored root, all of them; ``look`` is not used."""
    rows = (
        (
            path.path,
            path.rule.line,
            path.rule.text.strip(),
            path.files,
            path.context_bytes,
            path.image_bytes,
            path.pull_bytes,
            path.seconds,
            path.seconds_source,
        )
        for path in result.paths
    )
    return "".join(csv_lines(_COLUMNS, rows))
