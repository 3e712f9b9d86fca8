"""The machine-readable report; its schema is docs/schema/cache-1.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.rebuild.types import ChangeCost, Rebuild, RebuildCost
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def draw(result: RebuildCost, look: Look) -> str:
    """``result`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            **part.head(SCHEMA, result),
            "unchanged": {name: _rebuild(result.unchanged.get(name)) for name in (WITH, WITHOUT)},
            "ignored": [
                {
                    **_change(result, cost),
                    "rule": part.rule(cost.rule),
                    "saved_seconds": result.saved_seconds(cost),
                }
                for cost in result.ignored
            ],
            "eligible": [{**_change(result, cost), "line": cost.line} for cost in result.eligible],
            "late_installs": [
                {
                    "copy": {"line": late.copy_line, "text": late.copy},
                    "run": {"line": late.run_line, "text": late.run},
                    "seconds": late.seconds,
                }
                for late in result.late_installs
            ],
            "left_out": result.left_out,
            "errors": _errors(result.errors),
            "warnings": part.warnings(result.warnings),
        }
    )


def _change(result: RebuildCost, cost: ChangeCost) -> dict[str, Any]:
    return {
        "path": cost.path,
        "changed": cost.changed,
        "how": cost.description,
        **{name: _changed(result, cost, name) for name in (WITH, WITHOUT)},
        "errors": _errors(cost.errors),
    }


def _changed(result: RebuildCost, cost: ChangeCost, variant: str) -> dict[str, Any] | None:
    rebuild = _rebuild(cost.rebuilds.get(variant))
    extra = result.extra_seconds(cost, variant)
    if rebuild is None or extra is None:
        return None
    return {**rebuild, "extra_seconds": fields(extra, "median", "low", "high", "significant")}


def _errors(errors: Mapping[str, str]) -> dict[str, str | None]:
    return {name: errors.get(name) for name in (WITH, WITHOUT)}


def _rebuild(rebuild: Rebuild | None) -> Any:
    return rebuild and {
        **fields(rebuild, "seconds", "runs"),
        "steps": [fields(step, "name", "line", "seconds") for step in rebuild.steps],
        **fields(rebuild, "step_count", "sent_bytes", "sent_files"),
    }
