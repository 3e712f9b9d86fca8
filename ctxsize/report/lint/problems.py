"""The findings of a report one after the other: for formats that are lists of issues."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ctxsize.lint.types import Finding, LintReport, LintTarget
from ctxsize.report.shared.places import Place, in_context
from ctxsize.report.shared.problems import Problem, Severity
from ctxsize.text import printable


def problems(report: LintReport) -> Iterator[Problem]:
    """Every finding, and for each target that could not be linted why."""
    for target in report.targets:
        if target.error is not None:
            place = in_context(target, target.dockerfile or "Dockerfile", 1)
            yield _problem(target, "not-linted", "", target.error, place, "error")
        for found in target.findings:
            yield finding_problem(target, found)


def finding_problem(target: LintTarget, found: Finding) -> Problem:
    """One finding, with what to do."""
    place = in_context(target, found.path, found.line)
    if found.column is not None and found.end_column is not None:
        place = Place(place.path, place.line, found.column, max(found.end_column, found.column + 1))
    what = found.rule.text.strip() if found.rule is not None else found.paths[0] if found.paths else ""
    message = "; ".join(part for part in (found.message, found.help) if part)
    return _problem(target, found.code, f"{found.path}\0{what}", message, place, found.severity)


def path_of(target: LintTarget, found: Finding) -> str:
    """The path of a finding as the user would write it."""
    return os.path.normpath(os.path.join(target.path, found.path))


def _problem(
    target: LintTarget, code: str, name: str, message: str, place: Place, level: Severity
) -> Problem:
    return Problem(
        code=code,
        level=level,
        title=printable(f"ctxsize: {code} ({target.name})"),
        message=printable(" ".join(message.split())),
        place=place,
        key=f"{code}\0{target.name}\0{name}",
    )
