"""Documents and trees that pages are made of."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from ctxsize.report.formats import drawing
from ctxsize.report.shared.look import Look
from ctxsize.survey.tree import Leaf
from tests.report.check.samples import EVERYTHING as CHECKED
from tests.report.comparison.test_formats import RESULT, TIMED
from tests.report.lint.test_formats import FULL as LINTED

__all__ = ["RESULT", "TIMED", "comparison", "documents", "hostile", "image", "many"]

#: A name that would be a tag, an attribute's end, a script's end or a template's expression.
HOSTILE = "</script><img src=x onerror=alert(1)>\"'{{7*7}}\u202e\u2028<!--"


def document(kind: str, result: Any) -> dict[str, Any]:
    """``result`` as its JSON, read back."""
    found: dict[str, Any] = json.loads("".join(drawing(kind, "json")(result, Look())))
    return found


def comparison(result: Any = TIMED) -> dict[str, Any]:
    return document("comparison", result)


def hostile() -> dict[str, Any]:
    """A comparison in which everything that comes from outside is hostile."""
    rule = RESULT.paths[0].rule._replace(text=HOSTILE, pattern=HOSTILE)
    paths = tuple(
        dataclasses.replace(path, path=HOSTILE + path.path, rule=rule, note=HOSTILE) for path in TIMED.paths
    )
    project = dataclasses.replace(RESULT.project, context=HOSTILE, ignore_file=HOSTILE, dockerfile=HOSTILE)
    warnings = tuple(dataclasses.replace(each, message=HOSTILE, where=HOSTILE) for each in RESULT.warnings)
    return comparison(dataclasses.replace(TIMED, paths=paths, project=project, warnings=warnings))


def image() -> dict[str, Any]:
    """An image of a base and two steps, the second of which stored a file again."""
    step = {"created_by": "x", "line": None, "files": 1, "pull_bytes": 100, "buried_bytes": 0, "base": False}
    waste = {"path": "/app/a", "bytes": 4000, "cause": "same-content", "stored_by": 2, "buried_by": 3}
    return {
        "schema": 1,
        "ctxsize": "0.1.0",
        "created": "2026-11-26T12:00:00+00:00",
        "image": {
            "name": "shop", "id": "sha256:1", "source": "built", "platform": "linux/amd64", "layers": 3,
            "base": 1, "base_source": "FROM", "dockerfile": "Dockerfile",
        },
        "engine": None,
        "totals": {
            "bytes": 108_000, "live_bytes": 104_000, "wasted_bytes": 4000, "reclaimable_bytes": 4000,
            "pull_bytes": None, "base_bytes": 100_000, "leftover_bytes": 0, "duplicate_bytes": 0, "files": 3,
        },
        "missing": {"pull_bytes": "not asked for"},
        "steps": [
            {**step, "number": 1, "text": "", "layer": 1, "base": True, "bytes": 100_000,
             "live_bytes": 100_000, "wasted_bytes": 0},
            {**step, "number": 2, "text": "COPY . /app", "line": 3, "layer": 2, "bytes": 4000,
             "live_bytes": 0, "wasted_bytes": 4000},
            {**step, "number": 3, "text": "RUN chown -R app /app", "line": 4, "layer": 3,
             "bytes": 4000, "live_bytes": 4000, "wasted_bytes": 0},
        ],
        "waste_groups": [{**waste, "reclaimable": True, "changed": ["owner"], "pull_bytes": 90, "files": 1}],
        "wasted": [],
        "wasted_left_out": {"count": 0, "bytes": 0},
        "leftovers": [],
        "duplicates": [],
        "view": "step",
        "rows": [],
        "rows_left_out": 0,
        "largest": [],
        "fixes": [{"code": "copy-chown", "lines": [3, 4], "text": "use COPY --chown", "bytes": 4000,
                   "pull_bytes": None, "patched": True}],
        "diff": "-COPY . /app\n+COPY --chown=app . /app\n",
        "written": False,
        "proof": None,
        "warnings": [],
    }  # fmt: skip


def documents() -> dict[str, dict[str, Any]]:
    """One of each kind but ``context``, which needs a directory."""
    return {
        "comparison": comparison(),
        "image": image(),
        "check": document("check", CHECKED),
        "lint": document("lint", LINTED),
    }


def many(count: int) -> Iterator[Leaf]:
    """So many files of all kinds and sizes, some of them hostile."""
    for number in range(count):
        directory = (
            f"src/d{number % 97}/e{number % 1009}" if number % 3 else f".git/objects/{number % 256:02x}"
        )
        name = (
            f"{HOSTILE.replace('/', '')}{number}"
            if number % 1000 == 1
            else f"file-with-a-name-{number}.{'py' if number % 2 else 'bin'}"
        )
        size = (number * 7919) % 100_000
        kind, line = ("ignored", 1) if number % 3 == 0 else ("needed", None) if number % 5 else ("kept", None)
        yield Leaf(f"{directory}/{name}", size, kind, line)
