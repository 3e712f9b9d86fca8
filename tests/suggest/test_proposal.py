"""What goes into the ignore file, and that the rest of it stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctxsize.errors import UsageError
from ctxsize.ignore.types import Dialect
from ctxsize.project import open_project
from ctxsize.suggest.proposal import Target, target_of
from ctxsize.suggest.types import Candidate

A = Candidate("**/a", ("a",), 3, 2_000_000, ("git ignores it", "packages"))
B = Candidate("b", ("b",), 1, 0, ("an editor's settings",))
ALLOW = Candidate("*", (), 9, 9, ("needless",), lines=("*", "!src"), why={"!src": "COPY src (Dockerfile:2)"})
BLOCK = [
    "# Added by ctxsize suggest on 2026-11-26, each proven by a build",
    "# git ignores it; packages, 2MB",
    "**/a",
    "# an editor's settings",
    "b",
]


def target(root: Path, data: bytes | None, dockerfile: str = "FROM scratch\nCOPY . /\n") -> Target:
    (root / "Dockerfile").write_text(dockerfile)
    if data is not None:
        (root / ".dockerignore").write_bytes(data)
    project = open_project(root, dialect=Dialect.BUILDKIT)
    return target_of(project, data, "2026-11-26")


def added(data: bytes, lines: list[str], end: str = "\n") -> bytes:
    return data + "".join(f"{line}{end}" for line in lines).encode()


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (None, added(b"", BLOCK)),
        (b"", added(b"", BLOCK)),
        (b"x\n", added(b"x\n\n", BLOCK)),
        (b"x", added(b"x\n\n", BLOCK)),
        (b"x\n\n", added(b"x\n\n", BLOCK)),
        (b"\xef\xbb\xbfx\n", added(b"\xef\xbb\xbfx\n\n", BLOCK)),
        (b"x\r\n# y\r\n", added(b"x\r\n# y\r\n\r\n", BLOCK, "\r\n")),
        (b"**/a\n", added(b"**/a\n\n", [BLOCK[0], *BLOCK[3:]])),
        (b"**/a\nb\n", b"**/a\nb\n"),
    ],
)
def test_rules_are_added_once_below_what_is_there(data: bytes | None, wanted: bytes, tmp_path: Path) -> None:
    place = target(tmp_path, data)

    assert place.content([A, B]) == wanted
    assert place.content([]) == (data or b"")


@pytest.mark.parametrize("data", [b"b\n!keep\n", b"\xef\xbb\xbfb\n!keep\n", b"b\r\n!keep\r\n"])
def test_an_allowlist_comes_first_and_the_rest_stays(data: bytes, tmp_path: Path) -> None:
    content = target(tmp_path, data).content([ALLOW, A])
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef") else b""
    texts = content.removeprefix(mark).decode().split()

    assert content.startswith(mark)
    assert content.removeprefix(mark).count(data.removeprefix(mark)) == 1
    lines = [line for line in content.removeprefix(mark).decode().splitlines() if line and line[0] != "#"]
    assert lines == ["*", "!src", "b", "!keep", "**/a"]
    assert "(Dockerfile:2)" in texts


def test_a_hostile_reason_stays_in_its_comment(tmp_path: Path) -> None:
    hostile = Candidate("x", ("x",), 1, 1, ("evil\n!secret\x1b[31mü…" + "y" * 500,))
    lines = target(tmp_path, b"").content([hostile]).decode().splitlines()

    assert [line for line in lines if not line.startswith("#")] == ["x"]
    assert all(line.isprintable() and line.isascii() and len(line) < 120 for line in lines)


def test_the_diff_is_of_the_file_or_of_nothing(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.mkdir()
    old.mkdir()
    fresh, there = target(new, None), target(old, b"x\n")

    assert fresh.diff(fresh.content([B])).startswith("--- /dev/null\n+++ .dockerignore\n@@ -0,0 +1,3 @@\n")
    assert there.diff(there.content([B])).startswith(
        "--- .dockerignore\n+++ .dockerignore\n@@ -1 +1,5 @@\n x\n"
    )


def test_it_is_written_once_and_read_as_it_was_tried(tmp_path: Path) -> None:
    place = target(tmp_path, None)
    place.write(place.content([A, B]))
    again = target_of(
        open_project(tmp_path, dialect=Dialect.BUILDKIT), (tmp_path / ".dockerignore").read_bytes(), "x"
    )

    assert [rule.pattern for rule in again.parsed(again.data or b"").rules] == ["**/a", "b"]
    assert again.content([A, B]) == again.data
    assert not list(tmp_path.glob(".ctxsize*"))


def test_what_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    place = target(tmp_path, b"x\n")
    (tmp_path / ".dockerignore").write_bytes(b"mine\n")

    with pytest.raises(UsageError, match="changed meanwhile"):
        place.write(place.content([A]))

    assert (tmp_path / ".dockerignore").read_bytes() == b"mine\n"


def test_a_file_that_appeared_meanwhile_is_left_alone(tmp_path: Path) -> None:
    place = target(tmp_path, None)
    (tmp_path / ".dockerignore").write_bytes(b"")

    with pytest.raises(UsageError, match="changed meanwhile"):
        place.write(place.content([A]))


def test_a_link_out_of_the_project_is_not_written_through(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    root.mkdir()
    outside.write_bytes(b"theirs\n")
    place = target(root, None)
    os.symlink(outside, root / ".dockerignore")

    with pytest.raises(UsageError, match="leads out of the project"):
        place.write(b"x\n")

    assert outside.read_bytes() == b"theirs\n"


def test_the_view_that_is_built_has_the_content_and_the_tree_has_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("x")
    place = target(tmp_path, None)
    data = place.content([A])
    view = place.variant("with", data)

    assert view.ignore_file == (tmp_path / ".dockerignore", data)
    assert view.replaced() == {".dockerignore": data}
    assert [entry.path for entry in view.walk("Dockerfile")] == ["Dockerfile"]
    assert not (tmp_path / ".dockerignore").exists()
    assert place.before().without
