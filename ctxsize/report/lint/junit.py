"""JUnit XML of ``lint``: a test suite per target, and a test case per finding that fails where it counts."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ctxsize.lint.types import LintReport, LintTarget
from ctxsize.report.lint.problems import path_of
from ctxsize.report.shared import junit
from ctxsize.report.shared.look import Look


def draw(report: LintReport, look: Look) -> str:
    """``report`` as an XML document; ``look`` is not used."""
    return junit.document(
        junit.suite(f"ctxsize lint {target.name}", _cases(target), report.created)
        for target in report.targets
    )


def _cases(target: LintTarget) -> list[ET.Element]:
    linted = junit.case(target.name, "linted")
    if target.error is not None:
        junit.outcome(linted, "error", "not-linted", target.error)
    cases = [linted]
    for found in target.findings:
        place = f"{path_of(target, found)}:{found.line or 1}"
        case = junit.case(target.name, f"{found.code} {place}")
        message = "; ".join(part for part in (f"{place}: {found.message}", found.help) if part)
        if target.fails(found):
            junit.outcome(case, "failure", found.code, message)
        else:
            junit.remark(case, message)
        cases.append(case)
    return cases
