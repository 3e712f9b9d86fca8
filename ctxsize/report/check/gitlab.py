"""GitLab's Code Quality report: a list of issues, as its documentation of the report format has it.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from typing import Any

from ctxsize.budget.types import CheckReport
from ctxsize.report.check.problems import Problem, problems
from ctxsize.report.shared.json_parts import json_report
from ctxsize.report.shared.look import Look


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as JSON text; ``look`` is not used.

    GitLab compares fingerprints to tell new issues from old ones, so they do not depend on any figure; of
    two issues with the same one it shows one.
    """
    return json_report([_issue(problem) for problem in problems(report)])


def _issue(problem: Problem) -> dict[str, Any]:
    return {
        "description": problem.message,
        "check_name": f"ctxsize-{problem.code}",
        "fingerprint": problem.fingerprint,
        "severity": _severity(problem),
        "location": {"path": problem.place.path, "lines": {"begin": problem.place.line or 1}},
    }


def _severity(problem: Problem) -> str:
    if problem.level == "warning":
        return "minor"
    return "critical" if problem.code in ("forbidden", "sensitive") else "major"
