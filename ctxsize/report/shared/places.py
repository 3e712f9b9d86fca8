"""Where a finding is, as services need it that show it beside a change: from the repository's root."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Protocol

# CI systems name the root of the checkout; elsewhere it is the current directory.
_ROOT_VARIABLES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
_FILE_AND_LINE = re.compile(r"(?P<path>.+):(?P<line>[1-9][0-9]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """A file, ``/`` between its parts and relative to the repository's root, and a line of it. Columns
    count from 1, and ``end_column`` is the first that does not belong to it."""

    path: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None


class Target(Protocol):
    """What a report has of one project: its context as the user would write it, and its Dockerfile."""

    @property
    def path(self) -> str: ...

    @property
    def dockerfile(self) -> str | None: ...


def place(where: str | None) -> Place | None:
    """``where`` as a place; None for what names no line of a file: an option, a variable."""
    found = _FILE_AND_LINE.fullmatch(where or "")
    return Place(_from_root(found["path"]), int(found["line"])) if found else None


def in_context(target: Target, path: str, line: int | None = None) -> Place:
    """The file at the context path ``path`` of ``target``; ``NAME:path`` is one in a named context."""
    for name, directory in getattr(target, "contexts", {}).items():
        if path.startswith(f"{name}:"):
            return Place(_from_root(os.path.join(directory, path[len(name) + 1 :])), line)
    return Place(_from_root(os.path.join(target.path, path)), line)


def of_target(target: Target) -> Place:
    """What to point at when a limit has no line: the Dockerfile."""
    return in_context(target, target.dockerfile or "Dockerfile", 1)


def _from_root(path: str) -> str:
    path = os.path.abspath(path)
    here = os.getcwd()
    for name in _ROOT_VARIABLES:
        root = os.environ.get(name)
        if root and os.path.commonpath([os.path.abspath(root), here]) == os.path.abspath(root):
            return os.path.relpath(path, root)
    return os.path.relpath(path, here)
