"""Where Podman reads an ignore file otherwise; tests/engine/podman holds it against a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect, IgnoreFile
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
    ignore = parse_ignore(rules.encode(), ".dockerignore", Dialect.CLASSIC)
    found = podman_disagreement(tmp_path, ignore)
    assert found is None if said is None else said in (found or "")


def test_without_an_ignore_file_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert podman_disagreement(tmp_path, None) is None
    assert podman_disagreement(tmp_path, IgnoreFile(".dockerignore", ())) is None
