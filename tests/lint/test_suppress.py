"""Comments that switch findings off, and what is said of those that switch off nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.lint.config import LintConfig
from ctxsize.lint.lint import lint_project
from ctxsize.lint.types import LintTarget


def lint(root: Path, ignore: str, dockerfile: str = "FROM scratch\nCOPY . /\n", *codes: str) -> LintTarget:
    """Lint a project with a nested node_modules and this ignore file."""
    (root / "web" / "node_modules").mkdir(parents=True)
    (root / "web" / "node_modules" / "x").write_text("x")
    (root / "Dockerfile").write_text(dockerfile)
    (root / ".dockerignore").write_text(ignore)
    return lint_project(root, config=LintConfig(select=codes or ("CX101", "CX503", "CX900")))


def codes(target: LintTarget) -> list[tuple[str, int | None]]:
    return sorted((found.code, found.line) for found in target.findings)


REST = "Dockerfile\n.dockerignore\n"


@pytest.mark.parametrize(
    "comment",
    [
        "# ctxsize: ignore CX101\n",
        "# ctxsize: ignore CX101 - the root's is meant\n",
        "#ctxsize:ignore cx101\n",
        "# ctxsize: ignore CX101 - why\n# and more about it\n",
        "# packages\n# ctxsize: ignore CX101\n",
    ],
)
def test_a_comment_above_switches_a_finding_off(tmp_path: Path, comment: str) -> None:
    found = lint(tmp_path, comment + "node_modules\n" + REST)
    assert codes(found) == []
    assert found.suppressed == 1


@pytest.mark.parametrize(
    "ignore, expected",
    [
        ("# ctxsize: ignore CX302\nnode_modules\n", [("CX101", 2), ("CX900", 1)]),
        ("# ctxsize: ignore CX101\n\nnode_modules\n", [("CX101", 3), ("CX900", 1)]),
        ("node_modules\n# ctxsize: ignore CX101\n", [("CX101", 1), ("CX900", 2)]),
        ("# ctxsize: ignore CX101, CX302 - both\nnode_modules\n", [("CX900", 1)]),
        ("# ctxsize ignores CX101\nnode_modules\n", [("CX101", 2)]),
    ],
)
def test_a_comment_that_switches_off_nothing_is_told(
    tmp_path: Path, ignore: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(lint(tmp_path, ignore + REST)) == expected


def test_a_comment_in_the_dockerfile(tmp_path: Path) -> None:
    dockerfile = "FROM scratch\n# ctxsize: ignore CX503 - wanted\nCOPY . /\n"
    found = lint(tmp_path, "**/node_modules\n", dockerfile)
    assert codes(found) == []
    assert found.suppressed == 1


def test_a_comment_at_the_top_is_about_the_file(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.dockerignore").write_text("# todo\n# ctxsize: ignore CX006 - rules come later\n")
    found = lint(tmp_path, "**/node_modules\n", "FROM scratch\nCOPY . /\n", "CX006")
    assert codes(found) == []
    assert found.suppressed == 1


def test_an_unused_comment_can_be_removed(tmp_path: Path) -> None:
    (found,) = lint(tmp_path, "# ctxsize: ignore CX101\n**/node_modules\n" + REST).findings
    assert (found.code, found.fix, found.severity) == ("CX900", "safe", "info")
