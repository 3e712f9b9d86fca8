"""What a path leads to, and why that can't be known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctxsize.errors import UsageError
from ctxsize.files.probe import is_remote, probe


def test_kinds(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    kinds = {name: probe(tmp_path / name) for name in ("", "file", "link", "loop", "dangling", "pipe")}
    assert kinds == {
        "": "dir", "file": "file", "link": "file", "loop": None, "dangling": None, "pipe": "special",
    }  # fmt: skip
    assert [probe(tmp_path / name, follow=False) for name in ("link", "loop", "dangling")] == ["link"] * 3


@pytest.mark.parametrize("name", ["nothing", "file/below", "x" * 300, "x/" * 3000, "a\0b"])
def test_where_nothing_can_be_there_is_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert probe(f"{tmp_path}/{name}") is None


def test_what_can_not_be_looked_at_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(UsageError, match="x: can't be looked at: Permission denied"):
        probe("x")


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("https://x/y", True),
        ("git@x:y", True),
        ("github.com/x", True),
        ("./github.com/x", False),
        ("a:b", False),
    ],
)
def test_addresses(text: str, remote: bool) -> None:
    assert is_remote(text) is remote
