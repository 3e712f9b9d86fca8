"""JUnit XML of ``check``.

A target is a test suite; each limit and each finding is a test case. What could not be measured is an error,
what is over budget a failure.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, TargetReport
from ctxsize.report.check.problems import limit_message
from ctxsize.report.shared import junit
from ctxsize.report.shared.look import Look


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as an XML document; ``look`` is not used."""
    return junit.document(
        junit.suite(
            f"ctxsize {target.name}",
            _cases(target),
            report.created,
            [warning.message for warning in target.warnings],
        )
        for target in report.targets
    )


def _cases(target: TargetReport) -> list[ET.Element]:
    measured = junit.case(target.name, "measured")
    if target.error is not None:
        junit.outcome(measured, "error", "not-measured", target.error, target.log)
    cases = [measured]
    for judged in target.limits:
        case = junit.case(target.name, f"{judged.name} {judged.limit_text}")
        if judged.failed:
            kind = "failure" if judged.over else "error"
            code = "over-budget" if judged.over else "not-measured"
            junit.outcome(case, kind, code, limit_message(judged))
        cases.append(case)
    for found in target.findings:
        case = junit.case(target.name, f"{found.code} {found.path}")
        message = "; ".join(part for part in (words.finding(found), found.hint, found.where) if part)
        if found.level == "error":
            junit.outcome(case, "failure", found.code, message)
        else:
            junit.remark(case, message)
        cases.append(case)
    return cases
