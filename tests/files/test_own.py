"""Our own files lie outside every tree that is measured, whatever HOME and XDG say."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctxsize.files import own
from ctxsize.files.own import Folder, keep_out_of, state_folder, temporary_directory


@pytest.fixture(autouse=True)
def nothing_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(own, "_measured", set())
    monkeypatch.setattr(own, "_TEMPORARY", ())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    yield


def private(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "tmp" / f"ctxsize-{os.getuid()}" / "state", temporary=True)


@pytest.mark.parametrize("state", ["state", "~/state", "$HOME/state", ""])
def test_a_state_home_that_is_not_absolute_counts_for_nothing(
    state: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", state)

    assert state_folder() == (tmp_path / "home/.local/state/ctxsize", False)


@pytest.mark.parametrize("home", ["home", "~", ""])
def test_a_home_that_is_not_absolute_is_looked_up(
    home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = pwd.struct_passwd(("me", "x", 1, 1, "", str(tmp_path / "passwd"), ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: entry)
    monkeypatch.setenv("HOME", home)

    assert state_folder() == (tmp_path / "passwd/.local/state/ctxsize", False)


def test_a_user_without_a_home_has_a_private_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.chdir(tmp_path)

    assert state_folder() == private(tmp_path)
    assert (tmp_path / "tmp" / f"ctxsize-{os.getuid()}").stat().st_mode & 0o777 == 0o700
    assert os.listdir(tmp_path) == ["tmp"]


@pytest.mark.parametrize("context", ["home", "home/.local", "linked"])
def test_a_home_in_the_context_is_passed_over(
    context: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".local").mkdir(parents=True)
    (tmp_path / "linked").symlink_to("home")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    keep_out_of(tmp_path / context)

    assert state_folder() == private(tmp_path)
    assert os.listdir(tmp_path / "home/.local") == []


def test_a_home_that_can_not_be_written_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert state_folder() == private(tmp_path)


def test_a_folder_that_others_can_write_is_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tmp" / f"ctxsize-{os.getuid()}").mkdir(mode=0o755)
    (tmp_path / "other").mkdir()
    monkeypatch.setattr(own, "_TEMPORARY", (str(tmp_path / "other"),))
    monkeypatch.setenv("HOME", "/dev/null")

    assert state_folder().path == tmp_path / "other" / f"ctxsize-{os.getuid()}" / "state"


def test_temporary_files_stay_out_of_the_context_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert temporary_directory() == str(tmp_path / "tmp")
    (tmp_path / "other").mkdir()
    monkeypatch.setattr(own, "_TEMPORARY", (str(tmp_path / "other"),))

    keep_out_of(tmp_path / "tmp")

    assert temporary_directory() == str(tmp_path / "other")
