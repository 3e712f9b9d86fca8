"""The machine-readable report; its schema is docs/schema/image-difference-1.json."""

from __future__ import annotations

from typing import Any

from ctxsize.inspection.difference.types import ImageDifference, Sizes
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1
_IMAGE = ("name", "id", "source", "platform", "layers", "dockerfile")
_TOTALS = ("bytes", "wasted_bytes", "pull_bytes", "files")


def draw(result: ImageDifference, look: Look) -> str:
    """``result`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            "schema": SCHEMA,
            "ctxsize": result.version,
            "created": result.created,
            "a": fields(result.a, *_IMAGE),
            "b": fields(result.b, *_IMAGE),
            "totals": {name: _sizes(getattr(result.totals, name)) for name in _TOTALS},
            "missing": dict(result.missing),
            "steps": [
                {
                    **fields(step, "status", "text", "number_a", "number_b", "line"),
                    "bytes": _sizes(step.bytes),
                    "pull_bytes": _sizes(step.pull_bytes),
                }
                for step in result.steps
            ],
            "view": result.view,
            "rows": [
                {
                    **fields(row, "status", "name"),
                    **{name: _sizes(getattr(row, name)) for name in ("bytes", "wasted_bytes", "files")},
                }
                for row in result.rows
            ],
            "rows_left_out": result.rows_left_out,
            "rest": _sizes(result.rest),
            "statuses": [fields(each, "status", "files", "bytes") for each in result.statuses],
            "warnings": part.warnings(result.warnings),
        }
    )


def _sizes(sizes: Sizes) -> Any:
    return fields(sizes, "a", "b", "change")
