"""The ignored paths of a comparison as comma-separated values; empty is what is unknown."""

from __future__ import annotations

import csv
import io

from ctxsize.comparison.types import Comparison
from ctxsize.report.shared.style import Style
from ctxsize.text import csv_cell

COLUMNS = (
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


def comparison(result: Comparison, style: Style) -> str:
    """A line per ignored root, all of them; ``style`` is not used."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for path in result.paths:
        writer.writerow(
            (
                csv_cell(path.path),
                path.rule.line,
                csv_cell(path.rule.text.strip()),
                path.files,
                path.context_bytes,
                path.image_bytes,
                path.pull_bytes,
                path.seconds,
                path.seconds_source,
            )
        )
    return text.getvalue()
