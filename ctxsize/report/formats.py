"""The formats of every result: the one place that lists them.

A new format is a new file beside the others, with a function ``draw(result, look)``, and its name here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

#: What draws a result: as one text, or in pieces where it may be too long to hold in memory.
Draw = Callable[..., str | Iterator[str]]

#: For each result its formats, the default first; the folder and the module below ctxsize.report have their
#: names.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "comparison": ("table", "json", "markdown", "csv"),
    "context": ("table", "json", "csv", "list"),
    "why": ("table", "json"),
    "check": ("table", "json", "markdown", "github", "gitlab", "junit", "sarif", "csv"),
    "cache": ("table", "json"),
    "image": ("table", "json", "markdown", "csv"),
    "suggestion": ("table", "json", "markdown", "diff", "dockerignore"),
    "difference": ("table", "json", "markdown", "csv"),
    "builders": ("table", "json"),
    "lint": ("table", "concise", "json", "markdown", "github", "gitlab", "junit", "sarif"),
}


def drawing(result: str, name: str) -> Draw:
    """What draws a ``result`` of FORMATS in the format ``name``.

    Only that format is imported: starting up is half of the time that a small project takes. Raises
    ValueError when there is no such format.
    """
    if name not in FORMATS[result]:
        raise ValueError(f"no format {name!r} of {result}")
    draw: Any = import_module(f"ctxsize.report.{result}.{name}").draw
    return draw  # type: ignore[no-any-return]
