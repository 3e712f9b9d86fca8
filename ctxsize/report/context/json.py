"""The machine-readable report; its schema is docs/schema/context-1.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ctxsize import __version__
from ctxsize.context.totals import Totals
from ctxsize.report.shared.sensitive import sensitive_document
from ctxsize.report.shared.style import Style
from ctxsize.survey.overview import Overview
from ctxsize.survey.views import View
from ctxsize.text import json_text, json_text_or_null

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def context(result: Overview, style: Style) -> Iterator[str]:
    """``result`` as JSON text, the views last because they may be long; ``style`` is not used."""
    yield json.dumps(_head(result), indent=2).removesuffix("\n}")
    for view in result.views:
        yield f",\n  {json.dumps(view.name)}: ["
        yield from _rows(view)
        yield "]"
    yield "\n}\n"


def _rows(view: View) -> Iterator[str]:
    separator = "\n    "
    for row in view.rows:
        cells = (json_text(cell) if isinstance(cell, str) else cell for cell in row)
        yield separator + json.dumps(dict(zip(view.columns, cells, strict=True)))
        separator = ",\n    "


def _head(result: Overview) -> dict[str, Any]:
    scan = result.scan
    kept_out = None
    if scan.without is not None:
        kept_out = sum((rule.totals for rule in scan.rules), Totals())
    return {
        "schema": SCHEMA,
        "ctxsize": __version__,
        "project": {
            "context": json_text(result.context),
            "dockerfile": json_text_or_null(result.dockerfile),
            "ignore_file": json_text_or_null(result.ignore_file),
            "target": result.target,
        },
        "builder": result.dialect.value,
        "totals": {
            "without": _totals(scan.without),
            "ignored": _totals(kept_out),
            "with": _totals(scan.eligible),
            "ignore_file": _totals(scan.hidden),
            "needed": _totals(scan.needed),
            "emptied_bytes": scan.emptied.bytes,
        },
        "dialects": {
            "differences": result.dialects.count,
            "paths": [
                {
                    "path": json_text(item.path),
                    "directory": item.is_dir,
                    "buildkit": item.buildkit,
                    "classic": item.classic,
                }
                for item in result.dialects.paths
            ],
        },
        "sensitive": sensitive_document(result.sensitive),
        "notes": [json_text(note) for note in result.notes],
        "warnings": [
            {
                "code": warning.code,
                "message": json_text(warning.message),
                "where": json_text_or_null(warning.where),
            }
            for warning in result.warnings
        ],
    }


def _totals(totals: Totals | None) -> dict[str, int] | None:
    if totals is None:
        return None
    return {"files": totals.files, "dirs": totals.dirs, "bytes": totals.bytes}
