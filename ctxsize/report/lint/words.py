"""Sentences that several formats of ``lint`` say."""

from __future__ import annotations

from ctxsize.lint.types import LintReport
from ctxsize.units import format_bytes


def summary(report: LintReport) -> str:
    """``3 findings (1 error, 2 warnings): 312MB, 41200 files``."""
    total = report.total
    if not total.findings:
        return "nothing to find fault with"
    counts = (("error", total.errors), ("warning", total.warnings), ("information", total.infos))
    kinds = ", ".join(_count(number, what) for what, number in counts if number)
    cost = ""
    if total.bytes or total.files:
        cost = f": {format_bytes(total.bytes)}, {_count(total.files, 'file')}"
    return f"{_count(total.findings, 'finding')} ({kinds}){cost}"


def fixes(report: LintReport) -> str | None:
    """What ``--fix`` can do; None when that is nothing."""
    parts = []
    if report.total.fixable:
        parts.append(f"{report.total.fixable} safe to mend with --fix")
    if report.total.unsafe:
        parts.append(f"{report.total.unsafe} with --fix --unsafe-fixes")
    return ", ".join(parts) or None


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 or what == "information" else f"{number} {what}s"
