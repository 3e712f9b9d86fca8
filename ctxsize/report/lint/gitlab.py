"""GitLab's Code Quality report of ``lint``: see ctxsize.report.shared.gitlab."""

from __future__ import annotations

from ctxsize.lint.types import LintReport
from ctxsize.report.lint.problems import problems
from ctxsize.report.shared.gitlab import code_quality
from ctxsize.report.shared.look import Look


def draw(report: LintReport, look: Look) -> str:
    """``report`` as JSON text; ``look`` is not used."""
    return code_quality(problems(report), ("CX206", "CX501"))
