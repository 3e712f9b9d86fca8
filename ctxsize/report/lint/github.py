"""GitHub annotations of ``lint``: see ctxsize.report.shared.github."""

from __future__ import annotations

from ctxsize.lint.types import LintReport
from ctxsize.report.lint.problems import problems
from ctxsize.report.shared.github import workflow_commands
from ctxsize.report.shared.look import Look


def draw(report: LintReport, look: Look) -> str:
    """A line per finding, within GitHub's limits; ``look`` is not used."""
    return workflow_commands(problems(report))
