"""What several JSON reports have in common, so that the same thing reads the same in each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ctxsize.ignore.types import Rule
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.text import json_text
from ctxsize.warning import Warning


def json_report(document: Any) -> str:
    """``document`` as JSON text with a line end; names that are not UTF-8 show their bytes (``\\xff``)."""
    return json.dumps(visible(document), indent=2) + "\n"


def visible(value: Any) -> Any:
    """``value`` with every text in it as JSON can hold it."""
    if isinstance(value, str):
        return json_text(value)
    if isinstance(value, Mapping):
        return {key: visible(each) for key, each in value.items()}
    return [visible(each) for each in value] if isinstance(value, list | tuple) else value


def fields(value: object, *names: str) -> Any:
    """The attributes ``names`` of ``value`` as the keys of an object; None stays None."""
    return None if value is None else {name: getattr(value, name) for name in names}


def head(schema: int, result: Any) -> dict[str, Any]:
    """The first keys of a report on a project that was measured on an engine."""
    return {
        "schema": schema,
        "ctxsize": result.version,
        "created": result.created,
        "project": {**project(result.project), **fields(result.project, "platform")},
        "engine": engine(result.engine),
    }


def saved(figures: Any) -> dict[str, Any]:
    """The value of ``saved``: bytes, files and seconds, of Saved or of what has the same attributes."""
    return {
        **fields(figures, "context_bytes", "context_files", "image_bytes", "pull_bytes"),
        "seconds": fields(figures.seconds, "median", "low", "high", "significant"),
    }


def project(figures: object) -> Any:
    """The value of ``project``: of ProjectFigures, or of what has the same attributes."""
    return fields(figures, "context", "dockerfile", "ignore_file", "target")


def engine(figures: object) -> Any:
    """The value of ``engine``; None when none was asked."""
    return fields(figures, "version", "api", "builder", "storage", "remote", "instance", "driver")


def rule(found: Rule | None) -> Any:
    """A line of the ignore file; None where none applies."""
    return found and {"line": found.line, "pattern": found.text.strip()}


def warnings(found: Iterable[Warning]) -> list[Any]:
    """The value of ``warnings``."""
    return [fields(warning, "code", "message", "where") for warning in found]


def sensitive(files: Iterable[SensitiveFile]) -> list[Any]:
    """The value of ``sensitive``: names and kinds of files that look like secrets, never their content."""
    return [
        {
            **fields(file, "path", "kind", "reason", "level", "eligible", "needed"),
            "rule": rule(file.rule),
            **fields(file, "line", "source", "group"),
        }
        for file in files
    ]
