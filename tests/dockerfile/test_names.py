"""Names in a context directory: symlinks and wildcards, on real files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from ctxsize.dockerfile.names import ContextDirectory, matches, resolve_links
from tests.support.zstd import zstd


@pytest.fixture
def names(tmp_path: Path) -> ContextDirectory:
    for name in ("f1", "f2", "d/a.py", "d/b.txt", "d/sub/c.py", "e/a.py", "q[1]/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for link, target in (
        ("dl", "d"),
        ("fl", "./f1"),
        ("up", "../../../d/sub"),
        ("abs", "/d/a.py"),
        ("two", "dl/sub"),
        ("loop", "loop"),
        ("gone", "nope"),
        ("d/self", "."),
        ("d/beside", "../e"),
        ("d/top", "/e"),
    ):
        (tmp_path / link).symlink_to(target)
    return ContextDirectory(tmp_path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".", "dir"),
        ("d", "dir"),
        ("f1", "file"),
        ("dl", "link"),
        ("nope", None),
        ("f1/x", None),
        ("a\0b", None),
    ],
)
def test_kind(names: ContextDirectory, path: str, kind: str | None) -> None:
    assert names.kind(path) == kind


@pytest.mark.parametrize(
    ("path", "real"),
    [
        (".", "."),
        ("d/a.py", "d/a.py"),
        ("dl", "d"),
        ("dl/a.py", "d/a.py"),
        ("fl", "f1"),
        ("two/c.py", "d/sub/c.py"),
        # out of the context: as if its root were the root of everything
        ("up/c.py", "d/sub/c.py"),
        ("abs", "d/a.py"),
        ("d/self/self/a.py", "d/a.py"),
        ("d/beside/a.py", "e/a.py"),
        ("d/top/a.py", "e/a.py"),
        ("loop", None),
        ("gone", None),
        ("nope", None),
    ],
)
def test_resolve_links(names: ContextDirectory, path: str, real: str | None) -> None:
    assert resolve_links(names, path) == real


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("f1", ["f1"]),
        ("f?", ["f1", "f2", "fl"]),
        ("d*", ["d", "dl"]),
        ("*/a.py", ["d/a.py", "e/a.py"]),
        ("**/*.py", ["d/a.py", "e/a.py"]),
        ("dl/*.py", ["dl/a.py"]),
        ("d/*/c.py", ["d/sub/c.py"]),
        ("q[[]1]/x", ["q[1]/x"]),
        ("q\\[1]/x", ["q[1]/x"]),
        ("nope*", []),
        ("nope", []),
    ],
)
def test_matches(names: ContextDirectory, pattern: str, expected: list[str]) -> None:
    assert list(matches(names, pattern)) == expected


def test_archives_that_add_unpacks(tmp_path: Path) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    (tmp_path / "a.tar").write_bytes(tar.getvalue())
    (tmp_path / "misnamed.txt").write_bytes(gzip.compress(tar.getvalue()))
    (tmp_path / "only.gz").write_bytes(gzip.compress(b"text"))
    (tmp_path / "fake.tar").write_text("text")
    (tmp_path / "link.tar").symlink_to("a.tar")
    names = ContextDirectory(tmp_path)
    (tmp_path / "nothing.tar").write_bytes(bytes(10240))
    for number, module in enumerate((bz2, lzma, zstd)):
        (tmp_path / f"packed{number}").write_bytes(module.compress(tar.getvalue()))
        (tmp_path / f"torn{number}").write_bytes(module.compress(tar.getvalue())[:20])
    names = ContextDirectory(tmp_path)
    found = [name for name in names.entries(".") if names.is_archive(name)]
    assert found == ["a.tar", "misnamed.txt", "packed0", "packed1", "packed2"]


def test_a_chain_of_headers_is_no_archive_and_no_crash(tmp_path: Path) -> None:
    info = tarfile.TarInfo("n")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3
    (tmp_path / "chain.tar").write_bytes((info.tobuf() + b"abc".ljust(512, b"\0")) * 2000)
    assert not ContextDirectory(tmp_path).is_archive("chain.tar")


def test_a_header_of_any_size_is_not_taken_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("n")
    info.type, info.size = tarfile.XHDTYPE, 100 << 20
    (tmp_path / "bomb.tgz").write_bytes(gzip.compress(info.tobuf() + bytes(100 << 20), 1))
    tracemalloc.start()
    try:
        assert not ContextDirectory(tmp_path).is_archive("bomb.tgz")
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_a_tree_deeper_than_the_stack_is_matched(tmp_path: Path) -> None:
    depth = 1500
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    names = ContextDirectory(tmp_path)
    try:
        assert list(matches(names, "/".join(["*"] * depth))) == ["/".join(["d"] * depth)]
        assert list(matches(names, "/".join(["*"] * 500_000))) == []
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # which Python's own rmtree can't
