"""The machine-readable list; its schema is docs/schema/builders-1.json."""

from __future__ import annotations

from ctxsize.engine.endpoints.listing import BuilderList
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def draw(result: BuilderList, look: Look) -> str:
    """``result`` as JSON text with a line end; ``look`` is not used."""
    return json_report(
        {
            "schema": SCHEMA,
            "ctxsize": result.version,
            "created": result.created,
            "auto": result.auto,
            "builders": [
                {
                    **fields(builder, "name", "driver", "auto", "used"),
                    "nodes": [
                        fields(node, "name", "endpoint", "state", "reason", "version", "platforms")
                        for node in builder.nodes
                    ],
                }
                for builder in result.builders
            ],
            "warnings": part.warnings(result.warnings),
        }
    )
