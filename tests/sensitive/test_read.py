"""Reading a suspect: regular files only, links never, and no more than the limit."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctxsize.context.walk import OpenTree
from ctxsize.sensitive.read import LIMIT, Head, read_head
from tests.support.descriptors import no_descriptor_left


@pytest.fixture
def root(tmp_path: Path) -> Iterator[OpenTree]:
    with OpenTree(tmp_path) as tree:
        yield tree


def test_a_file_far_below(tmp_path: Path, root: OpenTree) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/.env").write_bytes(b"A=1\n")
    assert read_head(root, "a/b/.env") == Head(4, b"A=1\n")


def test_of_a_large_file_the_beginning(tmp_path: Path, root: OpenTree) -> None:
    with open(tmp_path / "large.pem", "wb") as file:
        file.write(b"x")
        file.truncate(5 << 30)
    head = read_head(root, "large.pem")
    assert head is not None and head.data is not None
    assert (head.size, len(head.data)) == (5 << 30, LIMIT)


def test_a_link_is_not_followed(tmp_path: Path, root: OpenTree) -> None:
    (tmp_path / "real").write_bytes(b"A=1\n")
    (tmp_path / ".env").symlink_to("real")
    assert read_head(root, ".env") is None


def test_a_directory_that_became_a_link_is_not_followed(tmp_path: Path, root: OpenTree) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/.env").write_bytes(b"A=1\n")
    (tmp_path / "sub").symlink_to("real")
    assert read_head(root, "sub/.env") is None


def test_what_is_no_file_is_not_opened(tmp_path: Path, root: OpenTree) -> None:
    os.mkfifo(tmp_path / "fifo.pem")
    (tmp_path / "directory.pem").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.pem"))
        assert [read_head(root, f"{name}.pem") for name in ("fifo", "directory", "s", "gone")] == [None] * 4


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.env").write_bytes(b"A=1\n")
    with no_descriptor_left(), OpenTree(tmp_path) as root:
        for path in ("a/.env", "a/none", "none/.env", "a"):
            read_head(root, path)


def test_a_file_without_permission_is_there_but_not_read(tmp_path: Path, root: OpenTree) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\n")
    (tmp_path / ".env").chmod(0)
    tmp_path.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read everything
    try:
        assert read_head(root, ".env") == Head(4, None)
    finally:
        os.seteuid(user)
