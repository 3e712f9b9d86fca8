"""The machine-readable report; its schema is docs/schema/context-1.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ctxsize import __version__
from ctxsize.context.totals import Totals
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report, visible
from ctxsize.report.shared.look import Look
from ctxsize.survey.overview import Overview
from ctxsize.survey.views import View

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def draw(result: Overview, look: Look) -> Iterator[str]:
    """``result`` as JSON text, the views last because they may be long; ``look`` is not used."""
    yield json_report(_head(result)).removesuffix("\n}\n")
    yield from _views(result, "  ")
    yield ',\n  "contexts": ['
    for number, each in enumerate(result.named):
        document = json.dumps(visible(_named(each)), indent=2).replace("\n", "\n    ")
        yield f"{',' if number else ''}\n    {document.removesuffix('}').rstrip()}"
        yield from _views(each, "      ")
        yield "\n    }"
    yield "\n  ]\n}\n" if result.named else "]\n}\n"


def _views(result: Overview, indent: str) -> Iterator[str]:
    for view in result.views:
        yield f",\n{indent}{json.dumps(view.name)}: ["
        yield from _rows(view)
        yield "]"


def _rows(view: View) -> Iterator[str]:
    separator = "\n    "
    for row in view.rows:
        yield separator + json.dumps(dict(zip(view.columns, visible(row), strict=True)))
        separator = ",\n    "


def _named(result: Overview) -> dict[str, Any]:
    """A named context; its paths are relative to it."""
    return {
        "name": result.name,
        "path": result.context,
        "ignore_file": result.ignore_file,
        "totals": _all_totals(result),
        "sensitive": part.sensitive(result.sensitive),
        "warnings": part.warnings(result.warnings),
    }


def _all_totals(result: Overview) -> dict[str, Any]:
    scan = result.scan
    kept_out = None if scan.without is None else sum((rule.totals for rule in scan.rules), Totals())
    return {
        "without": _totals(scan.without),
        "ignored": _totals(kept_out),
        "with": None if scan.eligible_unread else _totals(scan.eligible),
        "ignore_file": _totals(scan.hidden),
        "needed": _totals(scan.needed),
        "emptied_bytes": scan.emptied.bytes,
    }


def _head(result: Overview) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "ctxsize": __version__,
        "project": part.project(result),
        "builder": result.dialect.value,
        "totals": _all_totals(result),
        "dialects": {
            "differences": result.dialects.count,
            "paths": [
                {
                    "path": item.path,
                    "directory": item.is_dir,
                    "buildkit": item.buildkit,
                    "classic": item.classic,
                }
                for item in result.dialects.paths
            ],
        },
        "sensitive": part.sensitive(result.sensitive),
        "notes": result.notes,
        "warnings": part.warnings(result.warnings),
    }


def _totals(totals: Totals | None) -> Any:
    return fields(totals, "files", "dirs", "bytes")
