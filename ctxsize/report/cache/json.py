"""The machine-readable report; its schema is docs/schema/cache-1.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.rebuild.types import ChangeCost, Rebuild, RebuildCost
from ctxsize.report.shared.style import Style
from ctxsize.report.shared.subject_json import engine_document, project_document
from ctxsize.text import json_text, json_text_or_null

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def cache(result: RebuildCost, style: Style = Style()) -> str:  # noqa: B008
    """``result`` as JSON text with a line end; ``style`` is not used."""
    document = {
        "schema": SCHEMA,
        "ctxsize": result.version,
        "created": result.created,
        "project": project_document(result.project),
        "engine": engine_document(result.engine),
        "unchanged": {name: _rebuild(result.unchanged.get(name)) for name in (WITH, WITHOUT)},
        "ignored": [
            {
                **_change(result, cost),
                "rule": None
                if cost.rule is None
                else {"line": cost.rule.line, "pattern": json_text(cost.rule.text.strip())},
                "saved_seconds": result.saved_seconds(cost),
            }
            for cost in result.ignored
        ],
        "eligible": [{**_change(result, cost), "line": cost.line} for cost in result.eligible],
        "late_installs": [
            {
                "copy": {"line": late.copy_line, "text": json_text(late.copy)},
                "run": {"line": late.run_line, "text": json_text(late.run)},
                "seconds": late.seconds,
            }
            for late in result.late_installs
        ],
        "left_out": result.left_out,
        "errors": _errors(result.errors),
        "warnings": [
            {
                "code": warning.code,
                "message": json_text(warning.message),
                "where": json_text_or_null(warning.where),
            }
            for warning in result.warnings
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _change(result: RebuildCost, cost: ChangeCost) -> dict[str, Any]:
    return {
        "path": json_text(cost.path),
        "changed": json_text_or_null(cost.changed),
        "how": cost.description,
        **{name: _changed(result, cost, name) for name in (WITH, WITHOUT)},
        "errors": _errors(cost.errors),
    }


def _changed(result: RebuildCost, cost: ChangeCost, variant: str) -> dict[str, Any] | None:
    rebuild = _rebuild(cost.rebuilds.get(variant))
    extra = result.extra_seconds(cost, variant)
    if rebuild is None or extra is None:
        return None
    seconds = {"median": extra.median, "low": extra.low, "high": extra.high, "significant": extra.significant}
    return {**rebuild, "extra_seconds": seconds}


def _errors(errors: Mapping[str, str]) -> dict[str, str | None]:
    return {name: json_text_or_null(errors.get(name)) for name in (WITH, WITHOUT)}


def _rebuild(rebuild: Rebuild | None) -> dict[str, Any] | None:
    if rebuild is None:
        return None
    return {
        "seconds": rebuild.seconds,
        "runs": list(rebuild.runs),
        "steps": [
            {"name": json_text(step.name), "line": step.line, "seconds": step.seconds}
            for step in rebuild.steps
        ],
        "step_count": rebuild.step_count,
        "sent_bytes": rebuild.sent_bytes,
        "sent_files": rebuild.sent_files,
    }
