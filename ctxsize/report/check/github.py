"""GitHub annotations of ``check``: see ctxsize.report.shared.github."""

from __future__ import annotations

from ctxsize.budget.types import CheckReport
from ctxsize.report.check.problems import problems
from ctxsize.report.shared.github import workflow_commands
from ctxsize.report.shared.look import Look


def draw(report: CheckReport, look: Look) -> str:
    """A line per problem, within GitHub's limits; ``look`` is not used."""
    return workflow_commands(problems(report))
