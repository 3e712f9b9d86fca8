"""The machine-readable report; its schema is docs/schema/comparison-1.json."""

from __future__ import annotations

import json
from typing import Any

from ctxsize.comparison.types import BuildFigures, Comparison, PathSaving, RuleSaving, VariantFigures
from ctxsize.engine.builders.interface import Step
from ctxsize.engine.containers import Verification
from ctxsize.ignore.types import Rule
from ctxsize.measure.figures import ImageFigures, SecondsSaved
from ctxsize.report.shared.sensitive import sensitive_document
from ctxsize.report.shared.style import Style
from ctxsize.report.shared.subject_json import engine_document, project_document
from ctxsize.text import json_text, json_text_or_null

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def comparison(result: Comparison, style: Style = Style()) -> str:  # noqa: B008
    """``result`` as JSON text with a line end; ``style`` is not used."""
    return json.dumps(comparison_document(result), indent=2) + "\n"


def comparison_document(result: Comparison) -> dict[str, Any]:
    """``result`` as what the JSON text says."""
    saved, rest = result.saved, result.unattributed
    return {
        "schema": SCHEMA,
        "ctxsize": result.version,
        "created": result.created,
        "project": project_document(result.project),
        "engine": engine_document(result.engine),
        "variants": {name: _variant(variant) for name, variant in result.variants.items()},
        "saved": {
            "context_bytes": saved.context_bytes,
            "context_files": saved.context_files,
            "image_bytes": saved.image_bytes,
            "pull_bytes": saved.pull_bytes,
            "seconds": _seconds(saved.seconds),
        },
        "paths": [_path(path) for path in result.paths],
        "rules": [_rule_saving(rule) for rule in result.rules],
        "unattributed": {
            "context_bytes": rest.context_bytes,
            "image_bytes": rest.image_bytes,
            "derived_bytes": rest.derived_bytes,
            "pull_bytes": rest.pull_bytes,
            "seconds": rest.seconds,
        },
        "sensitive": sensitive_document(result.sensitive),
        "calibration": {
            phase: {"seconds_per_byte": cost.per_byte, "seconds_per_entry": cost.per_entry}
            for phase, cost in result.calibration.items()
        },
        "warnings": [
            {
                "code": warning.code,
                "message": json_text(warning.message),
                "where": json_text_or_null(warning.where),
            }
            for warning in result.warnings
        ],
    }


def _variant(variant: VariantFigures) -> dict[str, Any]:
    context = variant.context
    return {
        "context": {
            "files": context.files,
            "dirs": context.dirs,
            "bytes": context.bytes,
            "needed_bytes": context.needed_bytes,
            "sent_bytes": context.sent_bytes,
        },
        "image": None if variant.image is None else _image(variant.image),
        "build": None if variant.build is None else _build(variant.build),
        "verify": None if variant.verify is None else _verify(variant.verify),
        "error": json_text_or_null(variant.error),
    }


def _image(image: ImageFigures) -> dict[str, Any]:
    return {
        "id": image.id,
        "bytes": image.bytes,
        "engine_bytes": image.engine_bytes,
        "pull_bytes": image.pull_bytes,
        "layers": image.layers,
        "tag": image.tag,
    }


def _build(build: BuildFigures) -> dict[str, Any]:
    return {
        "seconds": build.seconds,
        "runs": list(build.runs),
        "spread": build.spread,
        "phases": dict(build.phases),
        "steps": [_step(step) for step in build.steps],
    }


def _verify(verify: Verification) -> dict[str, Any]:
    return {
        "command": json_text(verify.command),
        "exit_code": verify.exit_code,
        "seconds": verify.seconds,
        "output_tail": [json_text(line) for line in verify.output_tail],
        "timed_out": verify.timed_out,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": json_text(step.name),
        "line": step.line,
        "phase": step.phase,
        "started": step.started,
        "seconds": step.seconds,
        "critical_seconds": step.critical,
        "cached": step.cached,
    }


def _seconds(seconds: SecondsSaved | None) -> dict[str, Any] | None:
    if seconds is None:
        return None
    return {
        "median": seconds.median,
        "low": seconds.low,
        "high": seconds.high,
        "significant": seconds.significant,
    }


def _path(path: PathSaving) -> dict[str, Any]:
    return {
        "path": json_text(path.path),
        "rule": _rule(path.rule),
        "files": path.files,
        "context_bytes": path.context_bytes,
        "image_bytes": path.image_bytes,
        "pull_bytes": path.pull_bytes,
        "seconds": path.seconds,
        "seconds_low": path.seconds_low,
        "seconds_high": path.seconds_high,
        "seconds_source": path.seconds_source,
        "send_seconds": path.send_seconds,
        "rebuild_seconds": path.rebuild_seconds,
        "rebuild_steps": path.rebuild_steps,
        "note": path.note,
    }


def _rule_saving(saving: RuleSaving) -> dict[str, Any]:
    return {
        **_rule(saving.rule),
        "paths": saving.paths,
        "files": saving.files,
        "context_bytes": saving.context_bytes,
        "image_bytes": saving.image_bytes,
        "pull_bytes": saving.pull_bytes,
        "seconds": saving.seconds,
        "seconds_low": saving.seconds_low,
        "seconds_high": saving.seconds_high,
        "seconds_source": saving.seconds_source,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {"line": rule.line, "pattern": json_text(rule.text.strip())}
