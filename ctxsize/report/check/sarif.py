"""SARIF 2.1.0 of ``check``: the files that must not reach a build, for code scanning.

Limits are no findings in code and are left out; the invocation carries the exit code and what could not be
measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ctxsize.budget.types import CheckReport, FileFinding, TargetReport
from ctxsize.report.check.problems import finding_problem
from ctxsize.report.shared import sarif
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.places import Place, place

_RULES = {
    "forbidden": (
        "Forbidden file in the build context",
        "A pattern of `forbid` in the configuration matches a file that the ignore file does not keep out.",
        "error",
    ),
    "not-ignored": (
        "Path that must be ignored is not",
        "A path of `require-ignored` in the configuration is not kept out of the build by the ignore file.",
        "error",
    ),
    "sensitive": (
        "Sensitive file in the build context",
        "A file that looks like a credential reaches the build, and with a COPY the image.",
        "warning",
    ),
}


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as JSON text; ``look`` is not used."""
    return sarif.log(
        "check",
        report.version,
        report.created,
        report.exit_code,
        [_rule(code) for code in _RULES],
        [result for target in report.targets for result in _results(target)],
        [note for target in report.targets for note in _notes(target)],
    )


def _rule(code: str) -> dict[str, Any]:
    short, full, level = _RULES[code]
    help = f"{full} Add a rule to the ignore file, or move the file out of the context."
    name = "".join(word.capitalize() for word in code.split("-"))
    return sarif.rule(code, name, short, full, help, level, ["security", "docker"])


def _results(target: TargetReport) -> Iterator[dict[str, Any]]:
    for found in target.findings:
        problem = finding_problem(target, found)
        if found.code not in _RULES:
            continue  # `ctxsize lint --format sarif` has them
        result = sarif.result(problem, list(_RULES).index(found.code))
        if related := _asked_for(found, problem.place):
            result["relatedLocations"] = [related]
        yield result


def _asked_for(found: FileFinding, shown: Place) -> dict[str, Any] | None:
    asked = place(found.where)
    if asked is None or asked == shown:
        return None
    return {**sarif.location(asked), "message": {"text": "asked for here"}}


def _notes(target: TargetReport) -> Iterator[dict[str, Any]]:
    if target.error is not None:
        yield sarif.note("error", f"{target.name}: {target.error}")
    for warning in target.warnings:
        yield sarif.note("warning", f"{target.name}: {warning.message}")
