"""Small projects for the tests of ``suggest``."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from ctxsize.ignore.types import Dialect
from ctxsize.suggest.static import suggest_static
from ctxsize.suggest.types import SuggestedRule, Suggestion

NPM = "FROM scratch\nCOPY package.json ./\nRUN npm ci\nCOPY . .\n"
ALL = "FROM scratch\nCOPY . /app/\n"


def project(root: Path, dockerfile: str, files: Mapping[str, str | int], *, git: str | None = None) -> Path:
    """A project: files by path, with a text or that many bytes. ``git``: what .gitignore has; all that it
    does not ignore is tracked."""
    for path, content in {"Dockerfile": dockerfile, **files}.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(bytes(content) if isinstance(content, int) else content.encode())
    if git is not None:
        (root / ".gitignore").write_text(git)
        for words in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *words], cwd=root, check=True)
    return root


def static(root: Path, *, min_bytes: int | None = 0, dialect: Dialect = Dialect.BUILDKIT) -> Suggestion:
    """What is found without an engine."""
    return suggest_static(root, min_bytes=min_bytes, dialect=dialect).suggestion


def rules(suggestion: Suggestion) -> dict[str, SuggestedRule]:
    """All rules by their text."""
    return {rule.rule: rule for rule in suggestion.rules}


def proposed(suggestion: Suggestion) -> set[str]:
    """The rules that are proposed, but for the builder's own files."""
    return {rule.rule for rule in suggestion.proposed} - {"Dockerfile", ".dockerignore"}
