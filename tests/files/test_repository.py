"""Files of a repository are read inside their root, when they are regular, up to a bound."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctxsize.files.repository import Refused, is_beneath, read_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_bytes(b"outside")
    top = tmp_path / "root"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/file").write_bytes(b"inside")
    return top


@pytest.mark.parametrize("name", ["a/b/file", "./a//b/../b/file", "link", "a/link", "dir/file", "absolute"])
def test_what_stays_inside_is_read(root: Path, name: str) -> None:
    (root / "link").symlink_to("a/b/file")
    (root / "a/link").symlink_to("../a/b/../../link")
    (root / "dir").symlink_to("a/b")
    (root / "absolute").symlink_to(root / "link")

    assert read_file(root, name, 6) == b"inside"
    assert read_file(root, root / name, 6) == b"inside"


@pytest.mark.parametrize("target", ["../outside", "a/../../outside", "/proc/self/environ", "a/up/outside"])
def test_a_link_that_leads_out_is_refused(root: Path, target: str) -> None:
    (root / "a/up").symlink_to("../..")
    (root / "link").symlink_to(target)

    with pytest.raises(Refused, match="leads out"):
        read_file(root, "link", 100)


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/etc/passwd"])
def test_a_name_that_leads_out_is_refused(root: Path, name: str) -> None:
    with pytest.raises(Refused, match="leads out"):
        read_file(root, name, 100)


def test_the_root_may_be_reached_through_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to("root")
    (root / "link").symlink_to(tmp_path / "here/a/b/file")

    assert read_file(tmp_path / "here", "link", 6) == b"inside"
    assert read_file(root, "a/b/file", 6) == b"inside"


def test_what_is_no_regular_file_is_refused_at_once(root: Path) -> None:
    os.mkfifo(root / "pipe")
    for name in ("pipe", "a"):
        with pytest.raises(Refused, match="not a regular file"):
            read_file(root, name, 100)


def test_what_is_too_large_is_refused(root: Path) -> None:
    with pytest.raises(Refused, match="larger than 2 MiB"):
        (root / "big").write_bytes(b"")
        os.truncate(root / "big", 1 << 40)
        read_file(root, "big", 2 << 20)


def test_a_loop_and_what_is_not_there_are_the_systems_errors(root: Path) -> None:
    (root / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="Too many levels"):
        read_file(root, "loop", 100)
    for name in ("no", "a/no/file"):
        with pytest.raises(FileNotFoundError):
            read_file(root, name, 100)
    with pytest.raises(NotADirectoryError):
        read_file(root, "a/b/file/x", 100)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have(root: Path, name: str) -> None:
    with pytest.raises(Refused, match="no file can have such a name"):
        read_file(root, name, 100)
    assert not is_beneath(root, name)


def test_beneath(root: Path, tmp_path: Path) -> None:
    (root / "up").symlink_to("..")
    assert is_beneath(root, root)
    assert is_beneath(root, root / "no/such")
    assert not is_beneath(root, root / "up/outside")
    assert not is_beneath(root, tmp_path / "root2")
