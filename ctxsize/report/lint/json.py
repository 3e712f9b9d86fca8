"""The machine-readable report; its schema is docs/schema/lint-1.json."""

from __future__ import annotations

from typing import Any

from ctxsize.lint.types import Finding, LintReport, LintTarget
from ctxsize.report.lint.problems import path_of
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def draw(report: LintReport, look: Look) -> str:
    """``report`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            "schema": SCHEMA,
            "ctxsize": report.version,
            **fields(report, "created", "exit_code"),
            "findings": [_finding(target, found) for target in report.targets for found in target.findings],
            "total": fields(
                report.total, "findings", "errors", "warnings", "infos", "fixable", "unsafe", "files", "bytes"
            ),
            "targets": [_target(target) for target in report.targets],
        }
    )


def _finding(target: LintTarget, found: Finding) -> dict[str, Any]:
    return {
        **fields(found, "code", "severity"),
        "target": target.name,
        "path": path_of(target, found),
        **fields(found, "line", "column", "end_column"),
        "rule": part.rule(found.rule),
        **fields(found, "message", "help", "files", "bytes", "paths", "fix"),
    }


def _target(target: LintTarget) -> dict[str, Any]:
    return {
        **fields(target, "name", "path", "dockerfile", "ignore_file", "suppressed", "notes"),
        "fixed": [fields(found, "code", "path", "line", "message") for found in target.fixed],
        **fields(target, "diff", "failed", "error"),
    }
