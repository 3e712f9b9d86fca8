"""A builder is given what lies in the context and nothing else, also while the tree changes."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctxsize.context.errors import ContextError
from ctxsize.context.send import tar_stream
from ctxsize.context.walk import OpenTree, walk
from ctxsize.engine.builders.buildkit import SessionMatcher, beside
from ctxsize.engine.buildkit import LocalDir, ServeError
from ctxsize.files.beneath import Beneath

OUTSIDE = b"what must never leave this machine"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context of a/deep/file; beside it a directory of the same shape that is none of its business."""
    for root, content in (("context", b"inside"), ("outside", OUTSIDE)):
        (tmp_path / root / "a/deep").mkdir(parents=True)
        (tmp_path / root / "a/deep/file").write_bytes(content.ljust(len(OUTSIDE)))
    (tmp_path / "outside/a/deep/only-outside").touch()
    (tmp_path / "outside/link").symlink_to("/etc")
    return tmp_path / "context"


def swap(context: Path) -> None:
    """Put a link to the outside in place of the directory ``a``."""
    (context / "a").rename(context.parent / "aside")
    (context / "a").symlink_to("../outside/a")


def put_back(context: Path) -> None:
    (context / "a").unlink()
    (context.parent / "aside").rename(context / "a")


@contextmanager
def swapping(context: Path) -> Iterator[None]:
    """Somebody swaps ``a`` for a link and back, all the time."""
    enough = threading.Event()

    def work() -> None:
        chance = random.Random(1)
        while not enough.is_set():
            swap(context)
            time.sleep(chance.uniform(0, 0.001))
            put_back(context)
            time.sleep(chance.uniform(0, 0.001))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def session_reads(context: Path) -> bytes:
    """All names and contents that a session would send."""
    directory = LocalDir(context, SessionMatcher)
    tree = directory.select([], [], [])
    found = b""
    for entry in tree.walk():
        found += entry.path.encode() + b"\n"
        if entry.has_data and (file := tree.open(entry.path)) is not None:
            found += file.read(100)
            file.close()
    return found


def tar_reads(context: Path) -> bytes:
    return b"".join(tar_stream(walk(context, None), context))


@pytest.mark.parametrize("read", [session_reads, tar_reads])
def test_a_directory_swapped_for_a_link_while_it_is_read(
    context: Path, read: Callable[[Path], bytes]
) -> None:
    inside = 0
    with swapping(context):
        for _ in range(300):
            try:
                found = read(context)
            except (ContextError, ServeError):
                continue
            inside += b"inside" in found
            assert OUTSIDE not in found
            assert b"only-outside" not in found

    assert inside, "the directory was there now and then"


def test_a_file_whose_directory_became_a_link_is_not_opened(context: Path) -> None:
    directory = LocalDir(context, SessionMatcher)
    tree = directory.select([], [], [])
    assert [entry.path for entry in tree.walk()] == ["a", "a/deep", "a/deep/file"]

    swap(context)

    assert tree.open("a/deep/file") is None


def test_a_directory_that_became_a_link_is_not_listed(context: Path) -> None:
    entries = LocalDir(context, SessionMatcher).select([], [], []).walk()
    assert next(entries).path == "a"

    swap(context)

    assert list(entries) == []


def test_a_tar_does_not_follow_a_directory_that_became_a_link(context: Path) -> None:
    entries = list(walk(context, None))
    swap(context)

    with pytest.raises(ContextError, match=r"a/deep/file: .*lost the directory it was in"):
        b"".join(tar_stream(entries, context))


@pytest.mark.parametrize("path", ["..", "../outside", "../outside/a/deep/file", "a/../../outside/link"])
def test_no_path_leads_out(context: Path, path: str) -> None:
    directory = LocalDir(context, SessionMatcher)

    assert directory.readlink(path) is None
    assert directory.names(path) == []
    assert directory.open(path) is None
    with OpenTree(context) as tree:
        assert tree.lstat(path) is None


@pytest.mark.parametrize(
    "follow", ["../outside/link", "../*/link", "a/../../outside/link", "/../outside/link"]
)
def test_a_builder_that_asks_for_links_outside_learns_nothing(context: Path, follow: str) -> None:
    tree = LocalDir(context, SessionMatcher).select([], [], [follow])

    assert [entry.path for entry in tree.walk()] == []


def test_beside_the_dockerfile_only_what_builds_it_is_served(tmp_path: Path) -> None:
    """A Dockerfile may lie in a home directory: what else is there is none of the builder's business."""
    for name in ("Dockerfile", "Dockerfile.dockerignore", ".dockerignore", "id_rsa"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_bytes(OUTSIDE)
    only = beside(tmp_path, ["Dockerfile", "Dockerfile.dockerignore", ".dockerignore"])
    directory = LocalDir(tmp_path, SessionMatcher, only=only)

    found = [entry.path for entry in directory.select([], [], []).walk()]
    assert found == [".dockerignore", "Dockerfile", "Dockerfile.dockerignore"]
    for path in ("id_rsa", ".aws", ".aws/credentials"):
        assert [entry.path for entry in directory.select([path], [], [path]).walk()] == []
        assert directory.open(path) is None
        assert directory.readlink(path) is None
    assert directory.names(".aws") == []


def test_a_link_to_the_ignore_file_leads_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "Dockerfile.dockerignore").symlink_to("./shared")
    (tmp_path / "shared").symlink_to("rules/common")
    (tmp_path / "rules/common").write_text("a\n")
    (tmp_path / ".dockerignore").symlink_to("../elsewhere")

    only = beside(tmp_path, ["Dockerfile", "Dockerfile.dockerignore", ".dockerignore"])

    assert only == {"Dockerfile", "Dockerfile.dockerignore", ".dockerignore", "shared", "rules"}


def test_links_are_sent_as_links(context: Path) -> None:
    (context / "secret").symlink_to("../outside/a/deep/file")
    (context / "secrets").symlink_to("../outside")

    assert OUTSIDE not in session_reads(context)
    assert OUTSIDE not in tar_reads(context)
    assert LocalDir(context, SessionMatcher).open("secret") is None


def test_a_deep_tree_needs_few_descriptors(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    beneath = Beneath(tmp_path)
    depth = 200
    path = ""
    for _ in range(depth):
        os.mkdir(tmp_path / path / "d")
        path = f"{path}/d" if path else "d"
        beneath.lstat(f"{path}/x") if beneath.entries(path) else None

    assert beneath.entries(path) == []
    assert [entry.name for entry in beneath.entries(path[:-2])] == ["d"]
    assert [entry.name for entry in beneath.entries("d")] == ["d"]
    assert beneath.lstat(path).st_mode

    assert len(os.listdir("/proc/self/fd")) < before + 40
    beneath.close()
    assert len(os.listdir("/proc/self/fd")) <= before
