"""GitLab's Code Quality report: a list of issues, as its documentation of the report format has it.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ctxsize.report.shared.json_parts import json_report
from ctxsize.report.shared.problems import Problem, Severity

_SEVERITIES: Mapping[Severity, str] = {"error": "major", "warning": "minor", "info": "info"}


def code_quality(problems: Iterable[Problem], critical: Iterable[str] = ()) -> str:
    """The problems as JSON text; errors with a code of ``critical`` are worse than others.

    GitLab compares fingerprints to tell new issues from old ones, so they do not depend on any figure; of
    two issues with the same one it shows one.
    """
    worst = frozenset(critical)
    return json_report([_issue(problem, worst) for problem in problems])


def _issue(problem: Problem, worst: frozenset[str]) -> dict[str, Any]:
    severe = problem.level == "error" and problem.code in worst
    return {
        "description": problem.message,
        "check_name": f"ctxsize-{problem.code}",
        "fingerprint": problem.fingerprint,
        "severity": "critical" if severe else _SEVERITIES[problem.level],
        "location": {"path": problem.place.path, "lines": {"begin": problem.place.line or 1}},
    }
