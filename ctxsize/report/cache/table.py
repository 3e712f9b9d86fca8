"""The report a person reads: what the ignore file saves in every rebuild, and what it can't help with."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.rebuild.types import ChangeCost, LateInstall, Rebuild, RebuildCost
from ctxsize.report.shared.columns import columns
from ctxsize.report.shared.style import Style
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds

_UNKNOWN = "?"
_IGNORED = "The next build after a change to an ignored path"
_ELIGIBLE = "The next build after a change to a file that the build needs"


def cache(result: RebuildCost, style: Style = Style()) -> str:  # noqa: B008
    """``result`` as two tables and what to look at."""
    return "\n".join(part for part in _parts(result, style) if part)


def _parts(result: RebuildCost, style: Style) -> Iterator[str]:
    yield _title(result, style)
    if result.ignored:
        yield style.bold(_IGNORED) + "\n" + _ignored(result)
    if result.eligible:
        yield style.bold(_ELIGIBLE) + "\n" + _eligible(result)
    yield _notes(result, style)


def _title(result: RebuildCost, style: Style) -> str:
    project, engine = result.project, result.engine
    ignore = project.ignore_file or "no ignore file"
    title = style.bold(printable(f"{project.context}: {project.dockerfile}, {ignore}"))
    return f"{title}\n{printable(f'{engine.name}, {engine.builder}, {engine.storage}')}\n"


def _ignored(result: RebuildCost) -> str:
    variants = (WITH, WITHOUT)
    rows = [
        ["(nothing)", *(cell for name in variants for cell in _cells(result.unchanged.get(name))), "", ""]
    ]
    for cost in result.ignored:
        cells = [cell for name in variants for cell in _cells(cost.rebuilds.get(name), cost.errors.get(name))]
        rows.append([printable(cost.path), *cells, _saved(result, cost), _what(cost)])
    headers = ["changed", "with", "steps", "sent", "without", "steps", "sent", "saved", "how"]
    return columns(rows, headers, "lrrrrrrrl")


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
        return ["failed" if error else _UNKNOWN, _UNKNOWN, _UNKNOWN]
    steps = f"{len(rebuild.steps)} of {rebuild.step_count}"
    return [format_seconds(rebuild.seconds), steps, format_bytes(rebuild.sent_bytes)]


def _saved(result: RebuildCost, cost: ChangeCost) -> str:
    seconds, without = result.saved_seconds(cost), result.extra_seconds(cost, WITHOUT)
    if seconds is None or without is None:
        return _UNKNOWN
    return "not measurable" if without.significant is False else format_seconds(seconds)


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


def _notes(result: RebuildCost, style: Style) -> str:
    notes: list[tuple[str | None, str]] = [
        (f"{result.project.dockerfile}:{late.copy_line}", late_install(late)) for late in result.late_installs
    ]
    notes += [(warning.where, warning.message) for warning in result.warnings]
    return "".join(
        style.warn("note: ") + printable(f"{where}: {text}" if where else text) + "\n"
        for where, text in notes
    )
