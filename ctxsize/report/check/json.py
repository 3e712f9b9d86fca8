"""The machine-readable report; its schema is docs/schema/check-1.json."""

from __future__ import annotations

import json
from typing import Any

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, FileFinding, Grown, Judged, TargetReport
from ctxsize.report.shared.style import Style
from ctxsize.text import json_text, json_text_or_null

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def check(report: CheckReport, style: Style) -> str:
    """``report`` as JSON text with a line end; ``style`` is not used."""
    document = {
        "schema": SCHEMA,
        "ctxsize": report.version,
        "created": report.created,
        "passed": report.passed,
        "exit_code": report.exit_code,
        "targets": [_target(target) for target in report.targets],
        "totals": {
            "context_bytes": report.totals.context_bytes,
            "context_files": report.totals.context_files,
            "image_bytes": report.totals.image_bytes,
            "pull_bytes": report.totals.pull_bytes,
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _target(target: TargetReport) -> dict[str, Any]:
    sizes = target.sizes
    return {
        "name": json_text(target.name),
        "path": json_text(target.path),
        "dockerfile": json_text_or_null(target.dockerfile),
        "ignore_file": json_text_or_null(target.ignore_file),
        "sizes": {
            "context_bytes": sizes.context_bytes,
            "context_files": sizes.context_files,
            "image_bytes": sizes.image_bytes,
            "pull_bytes": sizes.pull_bytes,
            "image_source": json_text_or_null(sizes.image_source),
        },
        "limits": [_judged(judged) for judged in target.limits],
        "findings": [_finding(finding) for finding in target.findings],
        "warnings": [
            {
                "code": warning.code,
                "message": json_text(warning.message),
                "where": json_text_or_null(warning.where),
            }
            for warning in target.warnings
        ],
        "error": json_text_or_null(target.error),
        "log": [json_text(line) for line in target.log],
        "exit_code": target.exit_code,
    }


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        "name": judged.name,
        "unit": judged.unit,
        "limit": judged.limit,
        "limit_text": json_text(judged.limit_text),
        "value": judged.value,
        "over": judged.over,
        "at_least": judged.at_least,
        "total": judged.total,
        "baseline": judged.baseline,
        "message": json_text(words.verdict(judged)),
        "where": json_text_or_null(judged.where),
        "grew": [_grown(grown) for grown in judged.grew],
        "reason": json_text_or_null(judged.reason),
        "hint": json_text_or_null(judged.hint),
    }


def _grown(grown: Grown) -> dict[str, Any]:
    return {
        "path": json_text(grown.path),
        "kind": grown.kind,
        "before": grown.before,
        "after": grown.after,
    }


def _finding(finding: FileFinding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "level": finding.level,
        "path": json_text(finding.path),
        "message": json_text(finding.message),
        "where": json_text_or_null(finding.where),
        "line": finding.line,
        "hint": json_text_or_null(finding.hint),
    }
