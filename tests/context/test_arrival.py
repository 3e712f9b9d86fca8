"""What a real engine receives from the tar stream: build `COPY . /` and list the layer."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ctxsize.context.send import tar_stream
from ctxsize.context.walk import walk
from ctxsize.ignore import Dialect, Matcher, parse_ignore

pytestmark = pytest.mark.docker

Row = tuple[str, int, int, str]  # kind, permission bits, size, link target


def arrived(api: docker.APIClient, tag: str, body: Iterator[bytes], version: str) -> dict[str, Row]:
    """Build the context and list the one layer of the image."""
    params: Any = api.params
    api.params = {"version": version}  # 1 is the classic builder, 2 is BuildKit
    try:
        events = list(api.build(fileobj=body, custom_context=True, tag=tag, rm=True, decode=True))  # type: ignore[arg-type]
    finally:
        api.params = params
    assert not [event for event in events if "error" in event], events
    with tarfile.open(fileobj=io.BytesIO(b"".join(api.get_image(tag)))) as image:
        manifest = json.load(image.extractfile("manifest.json"))  # type: ignore[arg-type]
        (layer,) = manifest[0]["Layers"]
        with tarfile.open(fileobj=image.extractfile(layer)) as tar:
            rows = {}
            for member in tar:
                kind = {b"5": "d", b"2": "l", b"6": "p", b"3": "c", b"1": "-"}.get(member.type, "-")
                size, link = member.size, member.linkname
                if member.type == b"1":  # a hard link: what matters is what is read under the name
                    size, link = rows[link.removesuffix("/")][2], ""
                rows[member.name.removesuffix("/")] = (kind, stat.S_IMODE(member.mode), size, link)
            return rows


def expected(root: Path, matcher: Matcher | None = None) -> dict[str, Row]:
    rows = {}
    for entry in walk(root, matcher):
        mode = entry.stat.st_mode
        size = entry.stat.st_size if stat.S_ISREG(mode) and not entry.emptied else 0
        rows[entry.path] = (stat.filemode(mode)[0], stat.S_IMODE(mode), size, entry.target or "")
    return rows


def stream(root: Path, matcher: Matcher | None = None) -> Iterator[bytes]:
    return tar_stream(walk(root, matcher), root)


@pytest.fixture
def odd_tree(tmp_path: Path) -> Path:
    """Everything a context can hold, but fifos, which Docker 20.10's BuildKit loses."""
    root = tmp_path / "context"
    (root / "dir" / "empty").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / "first").write_bytes(b"x" * 700)
    (root / "dir" / "second").hardlink_to(root / "first")
    (root / "link").symlink_to("dir/second")
    (root / "loop").symlink_to(".")
    (root / "l").symlink_to("t" * 150)
    (root / "two\nlines").write_text("x")
    (root / os.fsdecode(b"bytes\xff\xfe")).write_text("xy")
    (root / ("n" * 255)).write_text("x")
    deep = root / "/".join(["d" * 100] * 5)
    deep.mkdir(parents=True)
    (deep / "f").write_text("deep")
    (root / "set").write_text("")
    (root / "set").chmod(0o4751)
    (root / "sticky").mkdir()
    (root / "sticky").chmod(0o1777)
    with (root / "sparse").open("wb") as file:
        file.truncate(5_000_000)
    return root


@pytest.mark.parametrize("version", ["1", "2"], ids=["classic", "buildkit upload"])
def test_all_of_a_context(
    api: docker.APIClient, new_tag: Callable[[], str], odd_tree: Path, version: str
) -> None:
    rows = expected(odd_tree)
    if version == "1":
        rows["set"] = ("-", 0o751, 0, "")  # COPY of the classic builder drops it, whoever sends it
    assert arrived(api, new_tag(), stream(odd_tree), version) == rows


def test_a_fifo_and_a_socket_in_a_classic_build(
    api: docker.APIClient, new_tag: Callable[[], str], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    os.mkfifo(tmp_path / "fifo", 0o640)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        rows = arrived(api, new_tag(), stream(tmp_path), "1")
    assert rows == {"Dockerfile": ("-", 0o644, 22, ""), "fifo": ("p", 0o640, 0, "")}


@pytest.mark.parametrize("version", ["1", "2"], ids=["classic", "buildkit upload"])
def test_a_context_that_starts_with_a_long_name(
    api: docker.APIClient, new_tag: Callable[[], str], tmp_path: Path, version: str
) -> None:
    (tmp_path / ("A" * 200)).write_text("x")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    assert arrived(api, new_tag(), stream(tmp_path), version) == expected(tmp_path)


@pytest.mark.parametrize("version", ["1", "2"], ids=["classic", "buildkit upload"])
def test_a_dockerfile_from_elsewhere(
    api: docker.APIClient, new_tag: Callable[[], str], tmp_path: Path, version: str
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM nothing-like-this\n")
    (tmp_path / "a").write_text("x")
    body = tar_stream(walk(tmp_path, None), tmp_path, extra={"Dockerfile": b"FROM scratch\nCOPY a /b\n"})
    assert arrived(api, new_tag(), body, version) == {"b": ("-", 0o644, 1, "")}


@pytest.mark.parametrize(
    ("version", "dialect"),
    [("1", Dialect.CLASSIC), ("2", Dialect.BUILDKIT)],
    ids=["classic", "buildkit upload"],
)
def test_the_kept_part_of_a_context(
    api: docker.APIClient, new_tag: Callable[[], str], tmp_path: Path, version: str, dialect: Dialect
) -> None:
    for name in ("src/a.py", "src/b.pyc", "data/big", "data/keep/x", "src/keep.txt", "log/1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    text = b"**/*.pyc\ndata\n!data/keep\nlog/*\n"
    matcher = Matcher(parse_ignore(text, ".dockerignore", dialect).rules, dialect)
    rows = arrived(api, new_tag(), stream(tmp_path, matcher), version)
    assert sorted(rows) == [
        "Dockerfile",
        "data",
        "data/keep",
        "data/keep/x",
        "log",
        "src",
        "src/a.py",
        "src/keep.txt",
    ]
