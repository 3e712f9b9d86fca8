"""The machine-readable report; its schema is docs/schema/comparison-1.json."""

from __future__ import annotations

from typing import Any

from ctxsize.comparison.types import Comparison, PathSaving, RuleSaving, VariantFigures
from ctxsize.engine.builders.interface import Step
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1
_SIZES = ("files", "context_bytes", "sent_bytes", "image_bytes", "pull_bytes")
_SECONDS = ("seconds", "seconds_low", "seconds_high", "seconds_source")


def draw(result: Comparison, look: Look) -> str:
    """``result`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            **part.head(SCHEMA, result),
            "contexts": [fields(each, "name", "path", "ignore_file") for each in result.project.contexts],
            "variants": {name: _variant(variant) for name, variant in result.variants.items()},
            "saved": part.saved(result.saved),
            "paths": [_path(path) for path in result.paths],
            "rules": [_rule(saving) for saving in result.rules],
            "unattributed": fields(
                result.unattributed, "context_bytes", "image_bytes", "derived_bytes", "pull_bytes", "seconds"
            ),
            "sensitive": part.sensitive(result.sensitive),
            "calibration": {
                phase: {"seconds_per_byte": cost.per_byte, "seconds_per_entry": cost.per_entry}
                for phase, cost in result.calibration.items()
            },
            "warnings": part.warnings(result.warnings),
        }
    )


def _variant(variant: VariantFigures) -> dict[str, Any]:
    build = variant.build
    return {
        "context": fields(variant.context, "files", "dirs", "bytes", "needed_bytes", "sent_bytes"),
        "image": fields(variant.image, "id", "bytes", "engine_bytes", "pull_bytes", "layers", "tag"),
        "build": build
        and {
            **fields(build, "seconds", "runs", "spread", "phases", "measured", "reused_seconds"),
            "reused": [fields(step, "name", "line", "seconds") for step in build.reused],
            "steps": [_step(step) for step in build.steps],
        },
        "verify": fields(variant.verify, "command", "exit_code", "seconds", "output_tail", "timed_out"),
        "error": variant.error,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        **fields(step, "name", "line", "phase", "started", "seconds"),
        "critical_seconds": step.critical,
        "cached": step.cached,
    }


def _path(path: PathSaving) -> dict[str, Any]:
    return {
        "path": path.path,
        "context": path.context,
        "rule": part.rule(path.rule),
        **fields(path, *_SIZES, *_SECONDS, "send_seconds", "rebuild_seconds", "rebuild_steps", "note"),
    }


def _rule(saving: RuleSaving) -> dict[str, Any]:
    return {**part.rule(saving.rule), **fields(saving, "context", "paths", *_SIZES, *_SECONDS)}
