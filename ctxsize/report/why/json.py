"""The machine-readable report; its schema is docs/schema/why-1.json."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from ctxsize import __version__
from ctxsize.ignore.types import Rule
from ctxsize.project import Project
from ctxsize.report.shared import json_parts as part
from ctxsize.report.shared.json_parts import fields, json_report, visible
from ctxsize.report.shared.look import Look
from ctxsize.survey.why import Answer

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def draw(project: Project, answers: Iterable[Answer], look: Look) -> Iterator[str]:
    """The answers as JSON text, a line each; ``look`` is not used."""
    head = {
        "schema": SCHEMA,
        "ctxsize": __version__,
        "project": {
            "context": project.context.name or str(project.context),
            "dockerfile": project.dockerfile_shown,
            "ignore_file": project.ignore.path if project.ignore else None,
        },
        "builder": project.dialect.value,
        "contexts": [
            {
                "name": name,
                "path": os.path.relpath(tree.context),
                "ignore_file": tree.ignore.path if tree.ignore else None,
            }
            for name, tree in project.trees.items()
        ],
    }
    yield json_report(head).removesuffix("\n}\n") + ',\n  "paths": ['
    separator = "\n    "
    for answer in answers:
        yield separator + json.dumps(visible(_answer(answer)))
        separator = ",\n    "
    yield "\n  ]\n}\n"


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "path": answer.path,
        "context": answer.context,
        "verdict": answer.verdict,
        "rule": _rule(answer.rule),
        "root": answer.root,
        "matches": [_rule(rule) for rule in answer.matches],
        **fields(answer, "emptied", "unreached", "exists", "notes"),
    }


def _rule(rule: Rule | None) -> Any:
    return rule and {**part.rule(rule), "negated": rule.negated}
