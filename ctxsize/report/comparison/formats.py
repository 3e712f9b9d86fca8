"""The formats of a Comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ctxsize.comparison.types import Comparison
from ctxsize.report.comparison import csv, markdown
from ctxsize.report.comparison import json as json_format
from ctxsize.report.comparison import table as table_format
from ctxsize.report.shared.style import Style

#: Every format of ``compare --format``, by name.
COMPARISON_FORMATS: Mapping[str, Callable[[Comparison, Style], str]] = {
    "table": table_format.comparison,
    "json": json_format.comparison,
    "markdown": markdown.comparison,
    "csv": csv.comparison,
}
