"""Writes the projects of the corpus to disk, and lints them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ctxsize.ignore.types import Dialect
from ctxsize.lint.lint import lint_project
from ctxsize.lint.types import LintTarget
from tests.lint.corpus import At, Case, Dir, Link


def write(case: Case, root: Path) -> None:
    """Make the project of ``case`` in ``root``, committed where it is a repository."""
    root.mkdir(parents=True)
    for path, content in {**case.tree, **case.ignore}.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            target.symlink_to(content.target)
        elif isinstance(content, Dir):
            target.mkdir(exist_ok=True)
        elif isinstance(content, int):
            with open(target, "wb") as file:
                file.truncate(content)
        else:
            target.write_bytes(content)
    dockerfile = root / case.dockerfile_path
    dockerfile.parent.mkdir(parents=True, exist_ok=True)
    dockerfile.write_text(case.dockerfile)
    if case.git is not None:
        names = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.excludesFile="]
        git = ["git", "-C", str(root), *names]
        subprocess.run([*git, "init", "-q", "--template="], check=True)
        subprocess.run([*git, "add", "-A"], check=True)
        if case.git.untracked:
            subprocess.run([*git, "rm", "-q", "--cached", "-r", "--", *case.git.untracked], check=True)
        subprocess.run([*git, "commit", "-qm", "x"], check=True)


def lint(case: Case, root: Path) -> LintTarget:
    """Lint the project of ``case`` in ``root``."""
    return lint_project(root, dockerfile=root / case.dockerfile_path, dialect=Dialect(case.builder))


def places(target: LintTarget) -> list[At]:
    """Where the findings are, as the corpus says it."""
    return sorted(At(found.code, found.line or 0, found.path) for found in target.findings)
