"""SARIF 2.1.0: findings for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/ and GitHub's "SARIF support for code scanning".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ctxsize.report.shared.json_parts import json_report
from ctxsize.report.shared.places import Place
from ctxsize.report.shared.problems import Problem
from ctxsize.text import printable

#: Results that GitHub takes in one run.
MOST_RESULTS = 25_000
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def log(
    name: str,
    version: str,
    created: str,
    exit_code: int,
    rules: Sequence[dict[str, Any]],
    results: Sequence[dict[str, Any]],
    notes: Sequence[dict[str, Any]],
) -> str:
    """The findings of the command ``name`` as JSON text. ``notes`` are about the run itself."""
    notes = [*notes]
    if len(results) > MOST_RESULTS:
        left = len(results) - MOST_RESULTS
        notes.append(note("error", f"{left} more findings than a SARIF run may hold were left out"))
    run = {
        "tool": {"driver": {"name": "ctxsize", "semanticVersion": version, "rules": [*rules]}},
        "automationDetails": {"id": f"ctxsize/{name}/"},
        "invocations": [
            {
                "executionSuccessful": exit_code in (0, 1),
                "exitCode": exit_code,
                "endTimeUtc": created,
                "toolExecutionNotifications": notes,
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results[:MOST_RESULTS],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json_report({"$schema": schema, "version": "2.1.0", "runs": [run]})


def rule(
    code: str, name: str, short: str, full: str, help: str, level: str, tags: Sequence[str]
) -> dict[str, Any]:
    """The description of a code."""
    return {
        "id": code,
        "name": name,
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": help},
        "defaultConfiguration": {"level": _LEVELS[level]},
        "properties": {"tags": [*tags]},
    }


def result(problem: Problem, index: int) -> dict[str, Any]:
    """A finding; ``index`` is that of its code among the rules."""
    return {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": _LEVELS[problem.level],
        "message": {"text": problem.message},
        "locations": [location(problem.place)],
        "partialFingerprints": {"primaryLocationLineHash": f"{problem.fingerprint[:16]}:1"},
    }


def location(where: Place) -> dict[str, Any]:
    """A place in a file of the repository."""
    uri = quote(where.path.encode("utf-8", "surrogateescape"), safe="/~")
    region = {"startLine": where.line or 1}  # GitHub shows nothing that has no line
    if where.column is not None and where.end_column is not None:
        region |= {"startColumn": where.column, "endColumn": where.end_column}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
            "region": region,
        }
    }


def note(level: str, text: str) -> dict[str, Any]:
    """Something to say of the run."""
    return {"level": level, "message": {"text": printable(text)}}
