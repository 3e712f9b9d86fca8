"""What a walk yields, in which order, over trees of every odd shape."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ctxsize.context.errors import ContextError
from ctxsize.context.walk import Entry, OpenTree, _Links, keeps_something, visit, walk
from ctxsize.ignore import Dialect, Matcher, parse_ignore


def paths(root: Path, hidden: frozenset[str] = frozenset()) -> list[str]:
    return [entry.path for entry in walk(root, None, hidden=hidden)]


def test_order_is_byte_order_of_names_depth_first_a_directory_before_its_content(tmp_path: Path) -> None:
    for name in ("a-b", "a.b", "B", "é", "日"):
        (tmp_path / name).write_text("")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "z").write_text("")
    assert paths(tmp_path) == ["B", "a", "a/z", "a-b", "a.b", "é", "日"]


def test_names_that_are_not_utf8_sort_by_their_bytes(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    names = [b"\xf0\x9f\x98\x80", b"\xff", b"\xc3\xa9", b"\x80", b"z"]
    for name in names:
        Path(os.fsdecode(root + b"/" + name)).write_bytes(b"")
    assert [os.fsencode(path) for path in paths(tmp_path)] == sorted(names)


def test_names_with_newlines_and_of_255_bytes(tmp_path: Path) -> None:
    (tmp_path / "two\nlines").write_text("")
    (tmp_path / ("x" * 255)).write_text("")
    assert paths(tmp_path) == ["two\nlines", "x" * 255]


def test_hidden_paths_do_not_exist(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("x")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / ".dockerignore").write_text("x")
    assert paths(tmp_path, frozenset({".dockerignore"})) == ["d", "d/.dockerignore"]


class TestUnderRules:
    """The dialects' walkers differ in what they send of an ignored directory."""

    @staticmethod
    def entries(root: Path, text: str, dialect: Dialect) -> list[Entry]:
        rules = parse_ignore(text.encode(), ".dockerignore", dialect).rules
        return list(walk(root, Matcher(rules, dialect)))

    def test_an_ignored_directory_with_something_kept_in_it(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "keep").write_text("")
        (tmp_path / "a" / "b" / "x").write_text("")
        (tmp_path / "a" / "c").mkdir()
        (tmp_path / "d").write_text("")
        text = "a\n!a/b/keep\n"
        buildkit, classic = (
            [entry.path for entry in self.entries(tmp_path, text, dialect)]
            for dialect in (Dialect.BUILDKIT, Dialect.CLASSIC)
        )
        assert buildkit == ["a", "a/b", "a/b/keep", "d"]
        assert classic == ["a/b/keep", "d"]  # the daemon makes the directories

    @pytest.mark.parametrize("dialect", list(Dialect))
    def test_an_ignored_directory_with_nothing_kept_in_it(self, tmp_path: Path, dialect: Dialect) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "c").write_text("")
        assert [entry.path for entry in self.entries(tmp_path, "a\n!a/b/no\n", dialect)] == ["c"]

    @pytest.mark.parametrize(("dialect", "found"), [(Dialect.BUILDKIT, ["s"]), (Dialect.CLASSIC, [])])
    def test_sockets_never_reach_a_classic_build(
        self, tmp_path: Path, dialect: Dialect, found: list[str]
    ) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "s"))
            assert [entry.path for entry in self.entries(tmp_path, "x\n", dialect)] == found

    def test_a_file_delivered_empty_and_its_hard_link(self, tmp_path: Path) -> None:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "keep").write_text("content")
        (tmp_path / "z").hardlink_to(tmp_path / "src" / "keep")
        found = self.entries(tmp_path, "*\n!src/keep\nsrc\n!z\n", Dialect.BUILDKIT)
        assert [(entry.path, entry.hardlink_to, entry.emptied, entry.bytes) for entry in found] == [
            ("src", None, False, 0),
            ("src/keep", None, True, 0),
            ("z", "src/keep", True, 0),
        ]


def test_inodes_whose_names_were_all_seen_take_no_memory(tmp_path: Path) -> None:
    links = _Links()
    (tmp_path / "a").write_text("")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    st = (tmp_path / "a").stat()
    assert links.first("a", st, False) is None
    assert links.first("b", st, False) == ("a", False)
    assert (links._first, links._left) == ({}, {})


def test_symbolic_links_are_entries_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "dangling").symlink_to("nowhere")
    entries = list(walk(tmp_path, None))
    assert [(entry.path, entry.target, entry.bytes) for entry in entries] == [
        ("dangling", "nowhere", 7),
        ("loop", ".", 1),
    ]


def test_the_content_of_hard_links_counts_once_at_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"12345")
    (tmp_path / "a").hardlink_to(tmp_path / "b")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "c").hardlink_to(tmp_path / "b")
    found = [
        (entry.path, entry.hardlink_to, entry.bytes) for entry in walk(tmp_path, None) if not entry.is_dir
    ]
    assert found == [("a", None, 5), ("b", "a", 0), ("d/c", "a", 0)]


def test_a_hard_link_to_a_hidden_name_is_the_first(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "c").hardlink_to(tmp_path / "a")
    found = [(entry.path, entry.hardlink_to) for entry in walk(tmp_path, None, hidden=frozenset({"a"}))]
    assert found == [("b", None), ("c", "b")]


def test_what_is_neither_a_file_nor_a_link_adds_no_bytes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").write_text("")
    (tmp_path / "dir").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert {entry.path: entry.bytes for entry in walk(tmp_path, None)} == {
            "dir": 0,
            "empty": 0,
            "fifo": 0,
            "s": 0,
        }


def test_a_sparse_file_counts_its_apparent_size(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(20 * 10**9)
    assert [entry.bytes for entry in walk(tmp_path, None)] == [20 * 10**9]


def test_paths_of_4000_bytes(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    depth = 2000
    for _ in range(depth):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    try:
        found = paths(tmp_path)
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)  # too deep for shutil.rmtree
    assert len(found) == depth + 1
    assert found[-1] == "d/" * depth + "f"


def test_an_entry_that_vanishes_during_the_walk_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text("")
    found = []
    for entry in walk(tmp_path, None):
        found.append(entry.path)
        if entry.path == "a":
            shutil.rmtree(tmp_path / "a")
            shutil.rmtree(tmp_path / "b")
    assert found == ["a", "c", "c/f"]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="there is no such directory") as error:
        paths(tmp_path / "missing")
    assert error.value.where == str(tmp_path / "missing")


def test_a_context_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ContextError, match="not a directory"):
        paths(tmp_path / "file")


def test_a_directory_nobody_may_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o000)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
    program = f"""
import os
from ctxsize.context.walk import walk
from ctxsize.errors import CtxsizeError
if os.geteuid() == 0:
    os.setgroups([])
    os.setuid(65534)
try:
    list(walk({str(tmp_path)!r}, None))
except CtxsizeError as error:
    print(error.where, error.message)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f"{closed} can't read it: Permission denied"


def test_any_tree_is_walked_completely_and_in_order(tmp_path: Path) -> None:
    """Against a plain recursive listing, over a random tree."""
    rng = random.Random(7)
    directories = [tmp_path]
    for _ in range(300):
        parent = rng.choice(directories)
        path = parent / "".join(rng.choice("ab-.é日\n") for _ in range(rng.randint(1, 4))).replace("..", "x")
        if path.name not in {"", "."} and not path.exists():
            if rng.random() < 0.4:
                path.mkdir()
                directories.append(path)
            else:
                path.write_text("x")

    def listing(directory: Path, prefix: bytes = b"") -> list[bytes]:
        result = []
        for name in sorted(map(os.fsencode, os.listdir(directory))):
            result.append(prefix + name)
            below = directory / os.fsdecode(name)
            if below.is_dir():
                result += listing(below, prefix + name + b"/")
        return result

    assert [os.fsencode(path) for path in paths(tmp_path)] == listing(tmp_path)


class TestVisit:
    """What the walk is built on: every entry, with what the rules say of it."""

    def seen(self, root: Path, text: str, **options: Any) -> list[tuple[str, bool]]:
        rules = parse_ignore(text.encode(), ".dockerignore", Dialect.BUILDKIT).rules
        state = Matcher(rules, Dialect.BUILDKIT).start()
        with OpenTree(root) as tree:
            return [(entry.path, entry.ignored) for entry in visit(tree, state, **options)]

    def test_what_is_ignored_for_good_is_passed_over_unless_asked_for(self, tmp_path: Path) -> None:
        for name in ("a/x", "b/keep", "b/y"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        kept = [("b", True), ("b/keep", False)]
        assert self.seen(tmp_path, "a\nb\n!b/keep\n") == kept
        everything = [("a", True), ("a/x", True), *kept, ("b/y", True)]
        assert self.seen(tmp_path, "a\nb\n!b/keep\n", hopeless=True) == everything

    def test_a_directory_is_entered_if_the_caller_says_so(self, tmp_path: Path) -> None:
        for name in ("a/x", "b/x.log"):
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).touch()
        found = self.seen(tmp_path, "b/*.log\n", hopeless=True, enters=lambda _, below: below is not None)
        assert found == [("a", False), ("b", False), ("b/x.log", True)]

    @pytest.mark.parametrize(
        ("text", "keeps"), [("d\n", False), ("d\n!d/e/f\n", True), ("d\n!d/e/none\n", False)]
    )
    def test_whether_an_ignored_directory_keeps_something(
        self, tmp_path: Path, text: str, keeps: bool
    ) -> None:
        (tmp_path / "d/e").mkdir(parents=True)
        (tmp_path / "d/e/f").touch()
        rules = Matcher(parse_ignore(text.encode(), ".dockerignore", Dialect.CLASSIC).rules, Dialect.CLASSIC)
        with OpenTree(tmp_path) as tree:
            assert keeps_something(tree, rules, "d") is keeps
