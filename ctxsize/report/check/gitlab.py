"""GitLab's Code Quality report of ``check``: see ctxsize.report.shared.gitlab."""

from __future__ import annotations

from ctxsize.budget.types import CheckReport
from ctxsize.report.check.problems import problems
from ctxsize.report.shared.gitlab import code_quality
from ctxsize.report.shared.look import Look


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as JSON text; ``look`` is not used."""
    return code_quality(problems(report), ("forbidden", "sensitive"))
