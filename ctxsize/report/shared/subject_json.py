"""What was measured and where, as every JSON report of a measurement has it."""

from __future__ import annotations

from typing import Any

from ctxsize.measure.figures import EngineFigures, ProjectFigures
from ctxsize.text import json_text, json_text_or_null


def project_document(project: ProjectFigures) -> dict[str, Any]:
    """The value of ``project``."""
    return {
        "context": json_text(project.context),
        "dockerfile": json_text(project.dockerfile),
        "ignore_file": json_text_or_null(project.ignore_file),
        "target": project.target,
    }


def engine_document(engine: EngineFigures | None) -> dict[str, Any] | None:
    """The value of ``engine``; None when none was asked."""
    if engine is None:
        return None
    return {
        "version": engine.version,
        "api": engine.api,
        "builder": engine.builder,
        "storage": engine.storage,
        "remote": engine.remote,
    }
