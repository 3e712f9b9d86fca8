"""The machine-readable report; its schema is docs/schema/context-1.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ctxsize import __version__
from ctxsize.context.totals import Totals
from ctxsize.context.views import View
from ctxsize.overview import Overview
from ctxsize.report.style import Style

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
        cells = (_text(cell) if isinstance(cell, str) else cell for cell in row)
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
            "context": _text(result.context),
            "dockerfile": _optional(result.dockerfile),
            "ignore_file": _optional(result.ignore_file),
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
                    "path": _text(item.path),
                    "directory": item.is_dir,
                    "buildkit": item.buildkit,
                    "classic": item.classic,
                }
                for item in result.dialects.paths
            ],
        },
        "notes": [_text(note) for note in result.notes],
        "warnings": [
            {
                "code": warning.code,
                "message": _text(warning.message),
                "where": _optional(warning.where),
            }
            for warning in result.warnings
        ],
    }


def _totals(totals: Totals | None) -> dict[str, int] | None:
    if totals is None:
        return None
    return {"files": totals.files, "dirs": totals.dirs, "bytes": totals.bytes}


def _optional(text: str | None) -> str | None:
    return None if text is None else _text(text)


def _text(text: str) -> str:
    """Names that are no UTF-8 keep their bytes visible; JSON has no way to carry them raw."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
