"""What is listed as ignored."""

from __future__ import annotations

import os
from pathlib import Path

from ctxsize.context.walk import walk
from ctxsize.ignore import Dialect, Matcher, parse_ignore
from ctxsize.survey.listings import ignored


def make(root: Path, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))


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
