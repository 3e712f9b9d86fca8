"""Comma-separated values: a line of column names, then a line per limit, finding and target in trouble."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport
from ctxsize.report.shared.style import Style
from ctxsize.text import csv_cell

COLUMNS = (
    "target",
    "kind",
    "name",
    "verdict",
    "unit",
    "value",
    "limit",
    "total",
    "baseline",
    "where",
    "message",
)


def check(report: CheckReport, style: Style) -> str:
    """``report`` as plain numbers, empty where unknown; ``style`` is not used."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(report):
        writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _rows(report: CheckReport) -> Iterator[tuple[str | int | float | None, ...]]:
    for target in report.targets:
        if target.error is not None:
            yield (target.name, "target", target.name, "unknown", *[None] * 6, target.error)
        for judged in target.limits:
            yield (
                target.name,
                "limit",
                judged.name,
                "unknown" if judged.value is None else "over" if judged.over else "ok",
                judged.unit,
                judged.value,
                judged.limit,
                judged.total,
                judged.baseline,
                judged.where,
                words.verdict(judged),
            )
        for found in target.findings:
            message = words.finding(found)
            yield (target.name, "file", found.path, found.code, *[None] * 5, found.where, message)
