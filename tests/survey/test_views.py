"""The views of a context."""

from __future__ import annotations

from pathlib import Path

from ctxsize.context.scan import scan
from ctxsize.ignore import Dialect
from ctxsize.survey.listings import Listing
from ctxsize.survey.views import directories, extensions, files
from tests.survey.test_listings import make


def everything(root: Path) -> Listing:
    return Listing(root, None, frozenset(), {})


def test_directories_are_below_their_parent_largest_first(tmp_path: Path) -> None:
    make(tmp_path, {"a/x/1": 1, "a/y/1": 3, "b/1": 10, "c": 1})
    rows = directories(scan(tmp_path, None, Dialect.BUILDKIT, depth=2)).rows
    assert [(path, depth, size) for path, depth, _, _, size in rows] == [
        (".", 0, 15),
        ("b", 1, 10),
        ("a", 1, 4),
        ("a/y", 2, 3),
        ("a/x", 2, 1),
    ]


def test_extensions_are_the_last_suffix_of_what_is_not_a_directory(tmp_path: Path) -> None:
    make(tmp_path, {"a.tar.gz": 5, "b.gz": 6, "dir.py/c.py": 7, "Makefile": 1, ".env": 2})
    assert extensions(everything(tmp_path)).rows == ((".gz", 2, 11), (".py", 1, 7), ("", 2, 3))


def test_the_largest_files_with_ties_in_walk_order(tmp_path: Path) -> None:
    make(tmp_path, {"b": 5, "a": 5, "c": 9, "d": 1, "empty": 0})
    assert [row[0] for row in files(everything(tmp_path), most=3).rows] == ["c", "a", "b"]
    assert [row[0] for row in files(everything(tmp_path), most=99).rows] == ["c", "a", "b", "d"]
