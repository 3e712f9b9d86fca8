"""The formats of every result: the one place that lists them.

A new format is a new file beside the others, with a function ``draw(result, look)``, and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

#: What draws a result: as one text, or in pieces where it may be too long to hold in memory.
Draw = Callable[..., str | Iterator[str]]

#: For each result the formats by name, the default first, and the module (below ctxsize.report) of each.
FORMATS: Mapping[str, Mapping[str, str]] = {
    "comparison": {
        "table": "comparison.table",
        "json": "comparison.json",
        "markdown": "comparison.markdown",
        "csv": "comparison.csv",
    },
    "context": {
        "table": "context.table",
        "json": "context.json",
        "csv": "context.csv",
        "list": "context.list",
    },
    "why": {
        "table": "why.table",
        "json": "why.json",
    },
    "check": {
        "table": "check.table",
        "json": "check.json",
        "markdown": "check.markdown",
        "github": "check.github",
        "gitlab": "check.gitlab",
        "junit": "check.junit",
        "sarif": "check.sarif",
        "csv": "check.csv",
    },
    "cache": {
        "table": "cache.table",
        "json": "cache.json",
    },
}


def drawing(result: str, name: str) -> Draw:
    """What draws a ``result`` of FORMATS in the format ``name``.

    Only that format is imported: starting up is half of the time that a small project takes. Raises
    ValueError when there is no such format.
    """
    if name not in FORMATS[result]:
        raise ValueError(f"no format {name!r} of {result}")
    draw: Any = import_module(f"ctxsize.report.{FORMATS[result][name]}").draw
    return draw  # type: ignore[no-any-return]
