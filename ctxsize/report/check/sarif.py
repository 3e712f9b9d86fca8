"""SARIF 2.1.0: the files that must not reach a build, for code scanning.

Limits are no findings in code and are left out; the invocation carries the exit code and what could not be
measured. https://docs.oasis-open.org/sarif/sarif/v2.1.0/ and GitHub's "SARIF support for code scanning".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ctxsize.budget.types import CheckReport, FileFinding, TargetReport
from ctxsize.report.check.places import Place, place
from ctxsize.report.check.problems import finding_problem
from ctxsize.report.shared.json_parts import json_report
from ctxsize.report.shared.look import Look
from ctxsize.text import printable

#: Results that GitHub takes in one run.
MOST_RESULTS = 25_000

_RULES = {
    "forbidden": (
        "Forbidden file in the build context",
        "A pattern of `forbid` in the configuration matches a file that the ignore file does not keep out.",
        "error",
    ),
    "not-ignored": (
        "Path that must be ignored is not",
        "A path of `require-ignored` in the configuration is not kept out of the build by the ignore file.",
        "error",
    ),
    "sensitive": (
        "Sensitive file in the build context",
        "A file that looks like a credential reaches the build, and with a COPY the image.",
        "warning",
    ),
}


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as JSON text; ``look`` is not used."""
    results = [result for target in report.targets for result in _results(target)]
    notes = [note for target in report.targets for note in _notes(target)]
    if len(results) > MOST_RESULTS:
        left = len(results) - MOST_RESULTS
        notes.append(_note("error", f"{left} more findings than a SARIF run may hold were left out"))
    run = {
        "tool": {
            "driver": {
                "name": "ctxsize",
                "semanticVersion": report.version,
                "rules": [_rule(code) for code in _RULES],
            }
        },
        "automationDetails": {"id": "ctxsize/check/"},
        "invocations": [
            {
                "executionSuccessful": report.exit_code in (0, 1),
                "exitCode": report.exit_code,
                "endTimeUtc": report.created,
                "toolExecutionNotifications": notes,
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results[:MOST_RESULTS],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json_report({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    short, full, level = _RULES[code]
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in code.split("-")),
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": f"{full} Add a rule to the ignore file, or move the file out of the context."},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["security", "docker"]},
    }


def _results(target: TargetReport) -> Iterator[dict[str, Any]]:
    for found in target.findings:
        problem = finding_problem(target, found)
        result: dict[str, Any] = {
            "ruleId": found.code,
            "ruleIndex": list(_RULES).index(found.code),
            "level": found.level,
            "message": {"text": problem.message},
            "locations": [_location(problem.place)],
            "partialFingerprints": {"primaryLocationLineHash": f"{problem.fingerprint[:16]}:1"},
        }
        if related := _asked_for(found, problem.place):
            result["relatedLocations"] = [related]
        yield result


def _asked_for(found: FileFinding, shown: Place) -> dict[str, Any] | None:
    asked = place(found.where)
    if asked is None or asked == shown:
        return None
    return {**_location(asked), "message": {"text": "asked for here"}}


def _location(where: Place) -> dict[str, Any]:
    uri = quote(where.path.encode("utf-8", "surrogateescape"), safe="/~")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": where.line or 1},  # GitHub shows nothing that has no line
        }
    }


def _notes(target: TargetReport) -> Iterator[dict[str, Any]]:
    if target.error is not None:
        yield _note("error", f"{target.name}: {target.error}")
    for warning in target.warnings:
        yield _note("warning", f"{target.name}: {warning.message}")


def _note(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": printable(text)}}
