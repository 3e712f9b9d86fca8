"""A directory is served as fsutil serves it, with hidden paths gone and overlaid files in place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ctxsize.engine.buildkit import LocalDir, ServedEntry, ServeError
from ctxsize.engine.buildkit.entry import MODE_DIR, MODE_SETUID, MODE_STICKY, MODE_SYMLINK
from tests.engine.buildkit.docker_patterns import DockerPatterns


def serve(directory: LocalDir, *exclude: str) -> dict[str, ServedEntry]:
    return {entry.path: entry for entry in directory.select([], exclude, []).walk()}


def test_entries_come_in_byte_order_a_directory_before_its_content(tmp_path: Path) -> None:
    for name in ("b/x", "a/z", "a-/y", "B/w", "ä/v"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    expected = ["B", "B/w", "a", "a/z", "a-", "a-/y", "b", "b/x", "ä", "ä/v"]
    assert list(serve(LocalDir(tmp_path, DockerPatterns))) == expected


def test_modes_are_gos(tmp_path: Path) -> None:
    (tmp_path / "suid").touch()
    (tmp_path / "suid").chmod(0o4751)
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    (tmp_path / "link").symlink_to("./suid")
    found = serve(LocalDir(tmp_path, DockerPatterns))
    assert found["suid"].mode == MODE_SETUID | 0o751
    assert found["sticky"].mode == MODE_DIR | MODE_STICKY | 0o777
    assert found["link"].mode & ~0o777 == MODE_SYMLINK
    assert (found["link"].linkname, found["link"].size) == ("./suid", 6)


def test_hard_links_name_the_first_name_that_is_listed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    for name in ("b", "c"):
        (tmp_path / name).hardlink_to(tmp_path / "a")
    links = {p: e.linkname for p, e in serve(LocalDir(tmp_path, DockerPatterns), "a").items()}
    assert links == {"b": "", "c": "b"}


def test_hidden_paths_do_not_exist(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/f").touch()
    (tmp_path / ".dockerignore").symlink_to("d")
    directory = LocalDir(tmp_path, DockerPatterns, hidden=frozenset({".dockerignore", "d/e"}))
    assert list(serve(directory)) == ["d", "d/f"]
    assert directory.select([], [], [".dockerignore"]).open(".dockerignore") is None


def test_overlaid_files_replace_or_join_those_on_disk(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("on disk")
    (tmp_path / "Dockerfile").chmod(0o600)
    before = (tmp_path / "Dockerfile").stat().st_mtime_ns
    directory = LocalDir(tmp_path, DockerPatterns, overlay={"Dockerfile": b"served", "new": b"n"})
    found = serve(directory)
    assert list(found) == ["Dockerfile", "new"]
    assert (found["Dockerfile"].size, found["Dockerfile"].mode) == (6, 0o600)
    assert before < found["Dockerfile"].mtime_ns < before + 2_000_000
    opened = directory.open("Dockerfile")
    assert opened is not None
    assert opened.read(32) == b"served"
    assert (tmp_path / "Dockerfile").read_text() == "on disk"


def test_an_overlay_may_bring_directories_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    overlay = {"a/b/c/new": b"n", "a/b/other": b""}
    directory = LocalDir(tmp_path, DockerPatterns, overlay=overlay)
    found = serve(directory)
    assert list(found) == ["a", "a/b", "a/b/c", "a/b/c/new", "a/b/other"]
    assert [path for path, entry in found.items() if entry.is_dir] == ["a", "a/b", "a/b/c"]
    assert list(serve(directory, "a/b/c")) == ["a", "a/b", "a/b/other"], "patterns apply to it"


def test_appended_bytes_lengthen_one_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    for name in ("b", "c"):
        (tmp_path / name).hardlink_to(tmp_path / "a")
    directory = LocalDir(tmp_path, DockerPatterns, appended={"a": b"!"})
    found = serve(directory)
    assert [(entry.size, entry.linkname) for entry in found.values()] == [(8, ""), (7, ""), (7, "b")]
    assert found["a"].mtime_ns > found["b"].mtime_ns
    opened = directory.open("a")
    assert opened is not None
    assert [opened.read(32) for _ in range(3)] == [b"content", b"!", b""]
    opened.close()


def test_each_change_has_a_time_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("1")
    times = {
        serve(LocalDir(tmp_path, DockerPatterns, overlay={"old": content, "new": content}))[name].mtime_ns
        for content in (b"2", b"3")
        for name in ("old", "new")
    }
    assert len(times) == 4, "of the same size, or the engine would take one for the other"


def test_an_excluded_directory_is_listed_only_with_what_is_kept_below(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/keep").touch()
    (tmp_path / "d/drop").touch()
    (tmp_path / "other/e").mkdir(parents=True)
    assert list(serve(LocalDir(tmp_path, DockerPatterns), "*", "!d/e/keep")) == ["d", "d/e", "d/e/keep"]


def test_trees_deeper_than_the_python_stack(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 1200)
    subprocess.run(["mkdir", "-p", deep], cwd=tmp_path, check=True)
    assert len(serve(LocalDir(tmp_path, DockerPatterns))) == 1200
    subprocess.run(["rm", "-r", "d"], cwd=tmp_path, check=True)


def test_a_file_that_vanishes_ends_its_directory(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "a/3", "b/4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    seen = []
    for entry in LocalDir(tmp_path, DockerPatterns).select([], [], []).walk():
        seen.append(entry.path)
        if entry.path == "a/1":
            (tmp_path / "a/2").unlink()
    assert seen == ["a", "a/1", "b", "b/4"]


def test_a_file_that_can_not_be_opened_is_none(tmp_path: Path) -> None:
    directory = LocalDir(tmp_path, DockerPatterns)
    assert directory.select([], [], []).open("gone") is None


def test_a_fifo_in_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert LocalDir(tmp_path, DockerPatterns).open("fifo") is None


def test_an_unreadable_directory_is_an_error_unless_it_is_excluded(tmp_path: Path) -> None:
    """Runs as another user, since root reads everything."""
    (tmp_path / "closed/in").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    script = """
import os, sys
from ctxsize.engine.buildkit import ServeError, LocalDir
from tests.engine.buildkit.docker_patterns import DockerPatterns
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for exclude in ([], ["closed"], ["closed", "!**/x"]):
    try:
        print([e.path for e in LocalDir(sys.argv[1], DockerPatterns).select([], exclude, []).walk()])
    except ServeError as error:
        print(error, "at", error.path)
"""
    if os.geteuid() != 0:
        pytest.skip("needs root to become someone else")
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.owner() == "root" and parent != Path("/tmp") and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["closed: Permission denied at closed", "[]", "[]"], done.stderr


def test_a_root_that_is_no_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="not a directory"):
        LocalDir(tmp_path / "missing", DockerPatterns)
