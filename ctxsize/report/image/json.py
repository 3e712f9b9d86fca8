"""The machine-readable report; its schema is docs/schema/image-1.json."""

from __future__ import annotations

from typing import Any

from ctxsize.inspection.types import ImageReport, Proof, ViewRow
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1
_TOTALS = (
    *("bytes", "live_bytes", "wasted_bytes", "reclaimable_bytes", "pull_bytes", "base_bytes"),
    *("leftover_bytes", "duplicate_bytes", "files"),
)
_WASTE = ("path", "bytes", "cause", "stored_by", "buried_by", "reclaimable", "changed", "pull_bytes")


def draw(result: ImageReport, look: Look) -> str:
    """``result`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            "schema": SCHEMA,
            "ctxsize": result.version,
            "created": result.created,
            "image": fields(
                result.image,
                *("name", "id", "source", "platform", "layers", "base", "base_source", "dockerfile"),
            ),
            "engine": part.engine(result.engine),
            "totals": fields(result.totals, *_TOTALS),
            "missing": dict(result.missing),
            "steps": [
                fields(
                    step,
                    *(
                        "number",
                        "created_by",
                        "text",
                        "line",
                        "layer",
                        "base",
                        "bytes",
                        "files",
                        "pull_bytes",
                    ),
                    *("live_bytes", "wasted_bytes", "buried_bytes"),
                )
                for step in result.steps
            ],
            "waste_groups": [{**fields(each, *_WASTE), "files": each.files} for each in result.groups],
            "wasted": [fields(each, *_WASTE) for each in result.wasted],
            "wasted_left_out": dict(zip(("count", "bytes"), result.wasted_left_out, strict=True)),
            "leftovers": [
                {
                    **fields(each, "path", "kind", "bytes", "files", "base"),
                    "steps": [
                        {"step": step, "bytes": size, "pull_bytes": each.pulls.get(step)}
                        for step, size in each.steps.items()
                    ],
                }
                for each in result.leftovers
            ],
            "duplicates": [
                fields(each, "bytes", "count", "wasted_bytes", "paths") for each in result.duplicates
            ],
            "view": result.view,
            "rows": [_row(row) for row in result.rows],
            "rows_left_out": result.rows_left_out,
            "largest": [_row(row) for row in result.largest],
            "fixes": [
                fields(fix, *("code", "lines", "text", "bytes", "pull_bytes", "patched", "proven", "reason"))
                for fix in result.fixes
            ],
            "diff": result.diff,
            "written": result.written,
            "proof": _proof(result.proof),
            "warnings": part.warnings(result.warnings),
        }
    )


def _row(row: ViewRow) -> Any:
    return fields(row, "name", "bytes", "live_bytes", "wasted_bytes", "files", "step")


def _proof(proof: Proof | None) -> Any:
    return proof and {
        **fields(proof, "expected_bytes", "bytes", "pull_bytes", "same", "difference_count", "configuration"),
        "differences": [fields(each, "path", "what", "made_anew") for each in proof.differences],
        "verify": fields(proof.verify, "command", "exit_code", "seconds", "output_tail", "timed_out"),
        "error": proof.error,
        "builds": proof.builds,
    }
