"""The report a person reads: what the ignore file saves in every rebuild, and what it can't help with."""

from __future__ import annotations

from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.rebuild.types import ChangeCost, LateInstall, Rebuild, RebuildCost
from ctxsize.report.shared.columns import UNKNOWN, columns
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.times import TOO_FEW
from ctxsize.report.shared.title import project_title
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds

_IGNORED = "The next build after a change to an ignored path"
_ELIGIBLE = "The next build after a change to a file that the build needs"
#: At what may be noise; the footnote says so.
_MARK = " (1)"


def draw(result: RebuildCost, look: Look) -> str:
    """``result`` as two tables and what to look at."""
    parts = [project_title(look, result.project, result.engine)]
    if result.ignored:
        parts.append(look.bold(_IGNORED) + "\n" + _ignored(result))
    if result.eligible:
        parts.append(look.bold(_ELIGIBLE) + "\n" + _eligible(result))
    parts.append(_notes(result, look))
    return "\n".join(part for part in parts if part)


def _ignored(result: RebuildCost) -> str:
    variants = (WITH, WITHOUT)
    rows = [
        ["(nothing)", *(cell for name in variants for cell in _cells(result.unchanged.get(name))), "", ""]
    ]
    for cost in result.ignored:
        cells = [cell for name in variants for cell in _cells(cost.rebuilds.get(name), cost.errors.get(name))]
        rows.append([printable(cost.path), *cells, _saved(result, cost), _what(cost)])
    headers = ["changed", "with", "steps", "sent", "without", "steps", "sent", "saved", "how"]
    few = f" {_MARK} {TOO_FEW}\n" if any(row[-2].endswith(_MARK) for row in rows) else ""
    return columns(rows, headers, "lrrrrrrrl") + few


def _eligible(result: RebuildCost) -> str:
    rows = [["(nothing)", "", *_cells(result.unchanged.get(WITH)), ""]]
    for cost in result.eligible:
        rebuild = cost.rebuilds.get(WITH)
        lines = sorted({step.line for step in rebuild.steps if step.line is not None}) if rebuild else []
        rows.append(
            [
                printable(cost.path),
                printable(f"{result.project.dockerfile}:{cost.line}"),
                *_cells(rebuild, cost.errors.get(WITH)),
                ", ".join(map(str, lines)),
            ]
        )
    headers = ["changed", "taken by", "seconds", "steps", "sent", "lines that ran again"]
    return columns(rows, headers, "llrrrl")


def _cells(rebuild: Rebuild | None, error: str | None = None) -> list[str]:
    if rebuild is None:
        return ["failed" if error else UNKNOWN, UNKNOWN, UNKNOWN]
    steps = f"{len(rebuild.steps)} of {rebuild.step_count}"
    return [format_seconds(rebuild.seconds), steps, format_bytes(rebuild.sent_bytes)]


def _saved(result: RebuildCost, cost: ChangeCost) -> str:
    seconds, without = result.saved_seconds(cost), result.extra_seconds(cost, WITHOUT)
    if seconds is None or without is None:
        return UNKNOWN
    if without.significant is None:
        return format_seconds(seconds) + _MARK
    return format_seconds(seconds) if without.significant else "not measurable"


def _what(cost: ChangeCost) -> str:
    if cost.changed is None:
        return "no file or directory: not simulated"
    where = "" if cost.changed == cost.path else f" in {cost.changed}"
    return printable(f"{cost.description}{where}")


def late_install(late: LateInstall) -> str:
    """What to do about an install that runs again for nothing."""
    return (
        f"`{late.copy}` comes before `{late.run}` (line {late.run_line}), which a change to any file it takes"
        f" runs again, {format_seconds(late.seconds)}: copy what that needs before it, and the rest after it"
    )


def _notes(result: RebuildCost, look: Look) -> str:
    dockerfile = result.project.dockerfile
    notes = [look.note(late_install(late), f"{dockerfile}:{late.copy_line}") for late in result.late_installs]
    return "".join([*notes, *(look.note(warning.message, warning.where) for warning in result.warnings)])
