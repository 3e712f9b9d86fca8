"""The views of a context."""

from __future__ import annotations

import os
from pathlib import Path

from ctxsize.context.scan import scan
from ctxsize.context.totals import DirTotals, Totals
from ctxsize.context.walk import walk
from ctxsize.ignore import Dialect, Matcher, parse_ignore
from ctxsize.survey.listings import by_extension, ignored, largest, tree


def make(root: Path, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))


def test_tree_has_children_below_their_parent_largest_first(tmp_path: Path) -> None:
    make(tmp_path, {"a/x/1": 1, "a/y/1": 3, "b/1": 10, "c": 1})
    rows = tree(scan(tmp_path, None, Dialect.BUILDKIT, depth=2).directories)
    assert [(row.path, row.depth, row.totals.bytes) for row in rows] == [
        ("", 0, 15),
        ("b", 1, 10),
        ("a", 1, 4),
        ("a/y", 2, 3),
        ("a/x", 2, 1),
    ]


def test_tree_leaves_out_small_directories() -> None:
    directories = [DirTotals(path, Totals(1, 0, size)) for path, size in [("", 11), ("a", 10), ("b", 1)]]
    assert [row.path for row in tree(directories, least=2)] == ["", "a"]


def test_by_extension_takes_the_last_suffix_of_what_is_not_a_directory(tmp_path: Path) -> None:
    make(tmp_path, {"a.tar.gz": 5, "b.gz": 6, "dir.py/c.py": 7, "Makefile": 1, ".env": 2})
    groups = [(group.key, group.totals) for group in by_extension(walk(tmp_path, None))]
    assert groups == [(".gz", Totals(2, 0, 11)), (".py", Totals(1, 0, 7)), ("", Totals(2, 0, 3))]


def test_largest_with_ties_in_walk_order(tmp_path: Path) -> None:
    make(tmp_path, {"b": 5, "a": 5, "c": 9, "d": 1, "empty": 0})
    assert [entry.path for entry in largest(walk(tmp_path, None), 3)] == ["c", "a", "b"]
    assert [entry.path for entry in largest(walk(tmp_path, None), 99)] == ["c", "a", "b", "d"]


def test_ignored_lists_files_with_the_rule_that_keeps_them_out(tmp_path: Path) -> None:
    make(tmp_path, {"d/keep": 1, "d/e/x": 2, "d/y": 3, "a.log": 4, "kept": 5, ".dockerignore": 6})
    os.mkfifo(tmp_path / "f.log")
    rules = parse_ignore(b"d\n*.log\n!d/keep\n.dockerignore\n", ".dockerignore", Dialect.BUILDKIT).rules
    found = ignored(tmp_path, Matcher(rules, Dialect.BUILDKIT), hidden=frozenset({".dockerignore"}))
    assert [(item.path, item.rule.line, item.bytes) for item in found] == [
        ("a.log", 2, 4),
        ("d/e/x", 1, 2),
        ("d/y", 1, 3),
        ("f.log", 2, 0),
    ]


def test_ignored_and_the_walk_make_up_the_whole_tree(tmp_path: Path) -> None:
    make(tmp_path, {"a/b/c.txt": 1, "a/c.txt": 1, "b/a/x": 1, "b/x/y/z": 1, "c/d": 1})
    for text in ("**/a\n!b/**/x\n", "*\n!**/*.txt\n", "b\n!b/x/y\n", "a\n"):
        for dialect in Dialect:
            matcher = Matcher(parse_ignore(text.encode(), ".dockerignore", dialect).rules, dialect)
            kept = [entry.path for entry in walk(tmp_path, matcher) if not entry.is_dir]
            out = [item.path for item in ignored(tmp_path, matcher)]
            everything = [entry.path for entry in walk(tmp_path, None) if not entry.is_dir]
            assert sorted(kept + out) == sorted(everything), (text, dialect)
