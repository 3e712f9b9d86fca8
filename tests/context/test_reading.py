"""A tree that was read once is counted from memory as from the disk."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from ctxsize.context.errors import ContextError
from ctxsize.context.reading import Reading
from ctxsize.context.scan import scan
from ctxsize.context.totals import ScanResult
from ctxsize.context.walk import OpenTree
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.sensitive.names import suspects

RULES = ("*.log", "out", "!out/keep", "deep/**/x")
FORBIDDEN = ("**/.env", "deep/a")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("a.log", "src/main.py", "src/.env", "out/keep/1", "out/gone/2", "deep/a/b/x", "deep/a/b/y"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name * 10)
    os.link(root / "src/main.py", root / "out/gone/link")
    os.link(root / "src/main.py", root / "src/again.py")
    (root / "src/symlink").symlink_to("main.py")
    os.mkfifo(root / "src/fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "src/socket"))
    for number in range(3000):
        (root / f"deep/{number}").touch()
    return root


def count(
    root: Path, dialect: Dialect, reading: Reading | None, *, eligible_only: bool = False
) -> ScanResult:
    return scan(
        root,
        Matcher.from_patterns(RULES, dialect),
        dialect,
        eligible_only=eligible_only,
        depth=2,
        largest=5,
        forbidden=Matcher.from_patterns(FORBIDDEN, dialect),
        suspects=suspects,
        asked=("out", "deep", "src"),
        reading=reading,
    )


@pytest.mark.parametrize("dialect", list(Dialect), ids=lambda dialect: dialect.value)
def test_the_same_is_counted(tree: Path, dialect: Dialect) -> None:
    reading = Reading()
    plain = count(tree, dialect, None)
    assert plain.partly == {"out"}
    assert plain.forbidden_count == len(plain.forbidden) == 2
    only = count(tree, dialect, None, eligible_only=True)
    assert count(tree, dialect, reading, eligible_only=True) == only
    assert count(tree, dialect, reading) == plain
    shutil.rmtree(tree)
    tree.mkdir()
    assert count(tree, dialect, reading) == plain  # nothing of it comes from the disk again


def test_what_vanished_is_empty_and_what_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reading = Reading()
    with OpenTree(tmp_path) as opened:
        assert reading.directory(opened, "gone").folders == []
        with pytest.raises(ContextError, match="stopped being a directory"):
            reading.directory(opened, "file")
