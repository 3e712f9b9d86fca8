"""Where Podman reads an ignore file otherwise; tests/engine/podman holds it against a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.ignore import Dialect
from ctxsize.project import open_project
from ctxsize.survey.podman import podman_disagreement


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("docs\n", None),
        ("*\n!docs\n", None),
        ("docs/*\n!docs/a\n", None),
        ("docs/*\n!docs\n", "docs/a (kept by podman build), docs/sub/b (kept by podman build)"),
    ],
)
def test_the_files_are_named(tmp_path: Path, rules: str, said: str | None) -> None:
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "a").touch()
    (tmp_path / "docs" / "sub" / "b").touch()
    (tmp_path / "other").touch()
    (tmp_path / ".dockerignore").write_text(rules)
    found = podman_disagreement(open_project(tmp_path, dialect=Dialect.CLASSIC, required=False))
    assert found is None if said is None else said in (found.message if found else "")


def test_without_an_ignore_file_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert podman_disagreement(open_project(tmp_path, dialect=Dialect.CLASSIC, required=False)) is None
    (tmp_path / ".dockerignore").touch()
    assert podman_disagreement(open_project(tmp_path, dialect=Dialect.CLASSIC, required=False)) is None
