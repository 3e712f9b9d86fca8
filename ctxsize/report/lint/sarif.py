"""SARIF 2.1.0 of ``lint``, for code scanning."""

from __future__ import annotations

from typing import Any

from ctxsize.lint.findings.all import BY_CODE
from ctxsize.lint.types import LintReport
from ctxsize.report.lint.problems import finding_problem
from ctxsize.report.shared import sarif
from ctxsize.report.shared.look import Look

_SECURITY = ("CX206", "CX501", "CX502")


def draw(report: LintReport, look: Look) -> str:
    """``report`` as JSON text; ``look`` is not used."""
    codes = list(BY_CODE)
    return sarif.log(
        "lint",
        report.version,
        report.created,
        report.exit_code,
        [_rule(code) for code in codes],
        [
            sarif.result(finding_problem(target, found), codes.index(found.code))
            for target in report.targets
            for found in target.findings
        ],
        [
            sarif.note("error", f"{target.name}: {target.error}")
            for target in report.targets
            if target.error is not None
        ],
    )


def _rule(code: str) -> dict[str, Any]:
    check = BY_CODE[code]
    tags = ["docker", *(["security"] if code in _SECURITY else [])]
    title = check.title[0].upper() + check.title[1:]
    return sarif.rule(code, code, title, check.why, check.why, check.severity, tags)
