"""Everything a check found wrong, one after the other: for formats that are lists of issues."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, FileFinding, Grown, Judged, TargetReport
from ctxsize.report.shared.places import Place, in_context, of_target, place
from ctxsize.report.shared.problems import Problem, Severity
from ctxsize.text import printable
from ctxsize.units import format_bytes

#: How many of the things that grew most a message names.
_GREW = 3


def problems(report: CheckReport) -> Iterator[Problem]:
    """Every issue of ``report``: per target what was not measured, limits, files, warnings with a place."""
    for target in report.targets:
        if target.error is not None:
            yield _problem(target, "not-measured", "", target.error, of_target(target))
        for judged in target.limits:
            if judged.failed:
                code = "over-budget" if judged.over else "not-measured"
                where = place(judged.where) or of_target(target)
                yield _problem(target, code, judged.name, limit_message(judged), where)
        for found in target.findings:
            yield finding_problem(target, found)
        for warning in target.warnings:
            if warning.where is None:
                continue  # it is about the run, and nothing in the project is to be changed
            where = place(warning.where) or of_target(target)
            key = f"{warning.code}\0{warning.where}"
            yield _problem(target, "warning", key, warning.message, where, level="warning")


def finding_problem(target: TargetReport, found: FileFinding) -> Problem:
    """A finding about a file, shown at the file, or where it is asked for when there may be no such file."""
    where = in_context(target, found.path, found.line)
    if found.code == "not-ignored":
        where = place(found.where) or of_target(target)
    message = _sentences(words.finding(found), found.hint)
    return _problem(target, found.code, found.path, message, where, level=found.level)


def limit_message(judged: Judged) -> str:
    """The verdict on a limit, what grew most, the next step."""
    grew = ", ".join(growth(each) for each in judged.grew[:_GREW])
    return _sentences(words.verdict(judged), f"grew most: {grew}" if grew else None, judged.hint)


def growth(grown: Grown) -> str:
    """``web/dist +3MB to 4MB``; ``(new)`` for what was not there, no growth when nobody knows."""
    if grown.before is None:
        return f"{grown.path} {format_bytes(grown.after)}"
    new = " (new)" if grown.before == 0 else f" to {format_bytes(grown.after)}"
    return f"{grown.path} +{format_bytes(grown.bytes)}{new}"


def _sentences(*parts: str | None) -> str:
    return "; ".join(part for part in parts if part)


def _problem(
    target: TargetReport,
    code: str,
    name: str,
    message: str,
    where: Place,
    *,
    level: Severity = "error",
) -> Problem:
    title = f"ctxsize: {code.replace('-', ' ')}"
    return Problem(
        code=code,
        level=level,
        title=printable(f"{title} ({target.name})"),
        message=printable(message),
        place=where,
        key=f"{code}\0{target.name}\0{name}",
    )
