"""Comma-separated values: a line of column names, then a line per limit, finding and target in trouble."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport
from ctxsize.report.shared.csv_text import csv_lines
from ctxsize.report.shared.look import Look

#: Columns that are called as the figure of a limit that is in them.
_FIGURES = ("unit", "value", "limit", "total", "baseline", "where")
COLUMNS = ("target", "kind", "name", "verdict", *_FIGURES, "message")


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as plain numbers, empty where unknown; ``look`` is not used."""
    return "".join(csv_lines(COLUMNS, _rows(report)))


def _rows(report: CheckReport) -> Iterator[tuple[str | int | float | None, ...]]:
    for target in report.targets:
        if target.error is not None:
            yield (target.name, "target", target.name, "unknown", *[None] * 6, target.error)
        for judged in target.limits:
            verdict = "unknown" if judged.value is None else "over" if judged.over else "ok"
            figures = (getattr(judged, name) for name in _FIGURES)
            yield (target.name, "limit", judged.name, verdict, *figures, words.verdict(judged))
        for found in target.findings:
            message = words.finding(found)
            yield (target.name, "file", found.path, found.code, *[None] * 5, found.where, message)
