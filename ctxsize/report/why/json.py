"""The machine-readable report; its schema is docs/schema/why-1.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ctxsize import __version__
from ctxsize.ignore.types import Rule
from ctxsize.project import Project
from ctxsize.report.shared.style import Style
from ctxsize.survey.why import Answer
from ctxsize.text import json_text, json_text_or_null

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def why(project: Project, answers: Iterable[Answer], style: Style) -> Iterator[str]:
    """The answers as JSON text, a line each; ``style`` is not used."""
    head = {
        "schema": SCHEMA,
        "ctxsize": __version__,
        "project": {
            "context": json_text(project.context.name or str(project.context)),
            "dockerfile": json_text_or_null(project.dockerfile_shown),
            "ignore_file": json_text(project.ignore.path) if project.ignore else None,
        },
        "builder": project.dialect.value,
    }
    yield json.dumps(head, indent=2).removesuffix("\n}") + ',\n  "paths": ['
    separator = "\n    "
    for answer in answers:
        yield separator + json.dumps(_answer(answer))
        separator = ",\n    "
    yield "\n  ]\n}\n"


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "path": json_text(answer.path),
        "verdict": answer.verdict,
        "rule": None if answer.rule is None else _rule(answer.rule),
        "root": json_text_or_null(answer.root),
        "matches": [_rule(rule) for rule in answer.matches],
        "emptied": answer.emptied,
        "unreached": json_text_or_null(answer.unreached),
        "exists": answer.exists,
        "notes": [json_text(note) for note in answer.notes],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {"line": rule.line, "pattern": json_text(rule.text.strip()), "negated": rule.negated}
