"""The machine-readable report; its schema is docs/schema/suggestion-1.json."""

from __future__ import annotations

from typing import Any

from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look
from ctxsize.suggest.types import SuggestedRule, Suggestion

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def draw(result: Suggestion, look: Look) -> str:
    """``result`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            **part.head(SCHEMA, result),
            **fields(result, "static", "allowlist"),
            "rules": [_rule(rule) for rule in result.rules],
            "saved": part.saved(result.saved),
            "unattributed": fields(result.unattributed, "image_bytes", "derived_bytes", "pull_bytes"),
            **fields(result, "builds", "timed_builds", "context_bytes"),
            "file": {
                "path": result.ignore_file,
                **fields(result, "new", "block", "diff", "written"),
            },
            "warnings": part.warnings(result.warnings),
        }
    )


def _rule(rule: SuggestedRule) -> dict[str, Any]:
    found: dict[str, Any] = fields(
        rule,
        *("rule", "paths", "files", "context_bytes", "image_bytes", "pull_bytes", "evidence", "proof"),
        *("proposed", "reason", "rebuild_seconds", "rebuild_steps"),
    )
    return found
