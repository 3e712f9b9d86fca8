"""The views of a context."""

from __future__ import annotations

import os
from pathlib import Path

from ctxsize.context.scan import scan
from ctxsize.ignore import Dialect
from ctxsize.report.context.table import draw
from ctxsize.report.shared.look import Look
from ctxsize.survey.listings import Listing
from ctxsize.survey.overview import overview
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


def test_a_directory_that_can_not_be_read_has_no_figures_nor_those_above_it(tmp_path: Path) -> None:
    for name in ("Dockerfile", ".dockerignore", "src/a", "src/deep/b", "var/pg/c", "var/d"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("FROM scratch\nCOPY src /\n" if name == "Dockerfile" else "x")
    (tmp_path / "var/pg").chmod(0)
    user = os.geteuid()
    if user == 0:
        make_readable(tmp_path)
        os.seteuid(65534)
    try:
        found = overview(tmp_path, depth=2)
    finally:
        os.seteuid(user)
        (tmp_path / "var/pg").chmod(0o755)

    rows = {row[0]: row[2:] for row in found.views[0].rows}
    nothing = (None, None, None)
    assert rows == {".": nothing, "src": (2, 1, 2), "src/deep": (1, 0, 1), "var": nothing, "var/pg": nothing}
    shown = [line.split() for line in "".join(draw(found, Look())).splitlines()]
    assert ["?", "?", "./"] in shown
    assert ["?", "?", "pg/"] in shown
    assert ["2B", "2", "src/"] in shown


def make_readable(path: Path) -> None:
    """Let others pass the directories above it, which pytest makes for its user."""
    for directory in (path, *path.parents[:-2]):
        if directory.stat().st_uid == 0:
            directory.chmod(directory.stat().st_mode | 0o055)
