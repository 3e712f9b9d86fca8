"""The difference of two images for a person: sums, steps, directories or files, the largest changes first."""

from __future__ import annotations

from ctxsize.inspection.difference.types import ImageDifference, StepChange
from ctxsize.report.difference.words import change, totals, verdict
from ctxsize.report.shared.columns import columns, known, more
from ctxsize.report.shared.look import Look
from ctxsize.text import printable

NAMES = {"dir": "directory", "ext": "extension", "file": "file"}
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "same": "="}


def draw(result: ImageDifference, look: Look) -> str:
    """``result`` as tables; ``look`` says how many rows each has."""
    names = f"{result.a.name} → {result.b.name}"
    parts = [
        look.bold(printable(names)) + "\n",
        columns([*totals(result)], ["", "A", "B", "change"], "lrrr"),
        _steps(result, look),
        _rows(result, look),
        _statuses(result),
        "".join(look.note(printable(f"{name}: {why}")) for name, why in result.missing.items()),
        "".join(look.note(warning.message, warning.where) for warning in result.warnings),
        printable(verdict(result)) + "\n",
    ]
    return "\n".join(part for part in parts if part)


def differing(result: ImageDifference) -> list[StepChange]:
    """The steps that are not the same, those that changed most first."""
    found = [step for step in result.steps if step.status != "same"]

    def size(step: StepChange) -> int:
        return abs(step.bytes.change or 0) or abs(step.pull_bytes.change or 0)

    return sorted(found, key=lambda step: -size(step))


def _steps(result: ImageDifference, look: Look) -> str:
    found = differing(result)
    if not found:
        return ""
    shown, left = look.first(found)
    order = {id(step): index for index, step in enumerate(result.steps)}
    rows = [
        [
            _SIGNS[step.status],
            "" if step.line is None else str(step.line),
            known(step.bytes.a),
            known(step.bytes.b),
            change(step.bytes),
            change(step.pull_bytes),
            printable(step.text or "(not in the history)"),
        ]
        for step in sorted(shown, key=lambda step: order[id(step)])
    ]
    table = columns(rows, ["", "line", "A", "B", "change", "pull", "step"], "lrrrrrl")
    return look.bold("Steps that differ") + "\n" + table + more(left)


def _rows(result: ImageDifference, look: Look) -> str:
    if not result.rows:
        return ""
    shown, left = look.first(result.rows)
    rows = [
        [
            _SIGNS[row.status],
            known(row.bytes.a),
            known(row.bytes.b),
            change(row.bytes),
            change(row.wasted_bytes),
            printable(row.name),
        ]
        for row in shown
    ]
    title = NAMES[result.view]
    table = columns(rows, ["", "A", "B", "change", "of it wasted", title], "lrrrrl")
    return look.bold(f"By {title}") + "\n" + table + more(left + result.rows_left_out)


def _statuses(result: ImageDifference) -> str:
    return ", ".join(f"{each.files:,} {each.status}" for each in result.statuses) + (
        " (files)\n" if result.statuses else ""
    )
