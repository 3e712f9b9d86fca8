"""The machine-readable report; its schema is docs/schema/check-1.json."""

from __future__ import annotations

from typing import Any

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, Judged, TargetReport
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1
_INSIDE = {
    "wasted": "wasted_bytes",
    "reclaimable": "reclaimable_bytes",
    "leftovers": "leftover_bytes",
    "layer": "layer_bytes",
}
_SIZES = ("context_bytes", "context_files", "image_bytes", "pull_bytes")


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            "schema": SCHEMA,
            "ctxsize": report.version,
            **fields(report, "created", "passed", "exit_code"),
            "targets": [_target(target) for target in report.targets],
            "totals": fields(report.totals, *_SIZES),
        }
    )


def _target(target: TargetReport) -> dict[str, Any]:
    return {
        **fields(target, "name", "path", "dockerfile", "ignore_file", "contexts"),
        "platform": target.sizes.platform,
        "sizes": {
            **fields(target.sizes, *_SIZES, "image_source"),
            **{key: target.sizes.size(of) for of, key in _INSIDE.items()},
        },
        "limits": [_judged(judged) for judged in target.limits],
        "findings": [
            fields(found, "code", "level", "path", "message", "where", "line", "hint")
            for found in target.findings
        ],
        "warnings": part.warnings(target.warnings),
        **fields(target, "error", "log", "exit_code"),
    }


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        **fields(judged, "name", "unit", "limit", "limit_text", "value", "over"),
        **fields(judged, "at_least", "total", "baseline"),
        "message": words.verdict(judged),
        "where": judged.where,
        "grew": [fields(grown, "path", "kind", "before", "after") for grown in judged.grew],
        **fields(judged, "reason", "hint"),
    }
