"""What arrives of a tree: directories, special files, hard links, and the build's own two files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ctxsize.errors import CtxsizeError
from ctxsize.ignore import Dialect, Matcher, find_ignore_file, parse_ignore
from ctxsize.ignore.walk import arrivals

BUILDKIT, CLASSIC = Dialect.BUILDKIT, Dialect.CLASSIC


def arrived(root: Path, dialect: Dialect, dockerfile: str = "Dockerfile") -> str:
    """Files as ``path=bytes``, directories as ``path/``, others as ``path(kind)``, in walk order."""
    found = find_ignore_file(root, root / dockerfile, dialect)
    rules = parse_ignore(found.read_bytes() if found else b"", ".dockerignore", dialect).rules
    entries = arrivals(root, Matcher(rules, dialect), dockerfile)
    return " ".join(
        entry.path
        + ("/" if entry.kind == "d" else f"={entry.size}" if entry.kind == "-" else f"({entry.kind})")
        for entry in entries
    )


def write(root: Path, **files: str) -> None:
    """Write files given as ``d__name="content"`` (two underscores for a slash) and a Dockerfile of 1 byte."""
    files = {"Dockerfile": "D", **files}
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("IGNORE", ".dockerignore")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def dangling(root: Path) -> None:
    (root / ".dockerignore").symlink_to("nowhere")


def inside(root: Path) -> None:
    (root / ".dockerignore").symlink_to("rules")
    write(root, rules="a\n.dockerignore\nDockerfile\n")


def absolute(root: Path) -> None:
    (root / ".dockerignore").symlink_to("/rules")
    write(root, rules="a\n")


def outside(root: Path) -> None:
    (root.parent / "rules").write_text("a\nDockerfile\n")
    (root / ".dockerignore").symlink_to("../rules")


@pytest.mark.parametrize(
    ("make", "buildkit", "classic"),
    [
        (dangling, ".dockerignore(l) Dockerfile=1 a=1", ".dockerignore(l) Dockerfile=1 a=1"),
        # The classic daemon removes the file the link leads to, and leaves the link.
        (inside, "rules=27", ".dockerignore(l)"),
        # BuildKit resolves a link with the context as its root; the classic client as the machine does.
        (absolute, ".dockerignore(l) Dockerfile=1 rules=2", ".dockerignore(l) Dockerfile=1 a=1 rules=2"),
        # It leads out: no rules for BuildKit, and the classic daemon can't read them to remove anything.
        (outside, ".dockerignore(l) Dockerfile=1 a=1", ".dockerignore(l) Dockerfile=1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_symlink_as_ignore_file(
    tmp_path: Path, make: Callable[[Path], None], buildkit: str, classic: str
) -> None:
    root = tmp_path / "context"
    write(root, a="1")
    make(root)
    assert arrived(root, BUILDKIT) == buildkit
    assert arrived(root, CLASSIC) == classic


@pytest.mark.parametrize(
    ("rules", "buildkit", "classic"),
    [
        ("", ".dockerignore=0 Dockerfile=1 d/ d/x=1 e/", ".dockerignore=0 Dockerfile=1 d/ d/x=1 e/"),
        ("*", "", ""),
        ("*\n!Dockerfile", "Dockerfile=1", "Dockerfile=1"),
        ("Dockerfile", ".dockerignore=10 d/ d/x=1 e/", ".dockerignore=10 d/ d/x=1 e/"),
        # An ignored directory arrives when something in it is kept, and only then
        ("*\n!d/x", "d/ d/x=1", "d/ d/x=1"),
        ("*\n!d/nope", "", ""),
        ("*\n!d", "d/ d/x=1", "d/ d/x=1"),
        ("d/**\n.*\nD*", "d/ e/", "d/ e/"),
        # BuildKit's empty file
        ("*\n!d/x\nd", "d/ d/x=0", "d/ d/x=1"),
        # Only BuildKit looks for what a wildcard exception may find
        ("*\n!**/x", "d/ d/x=1", ""),
    ],
)
def test_what_arrives(tmp_path: Path, rules: str, buildkit: str, classic: str) -> None:
    write(tmp_path, IGNORE=rules, d__x="1")
    (tmp_path / "e").mkdir()
    assert arrived(tmp_path, BUILDKIT) == buildkit
    assert arrived(tmp_path, CLASSIC) == classic


def test_special_files(tmp_path: Path) -> None:
    """A socket arrives as an empty file from BuildKit and not at all from the classic client."""
    write(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    os.symlink("far/away", tmp_path / "link")
    with socket.socket(socket.AF_UNIX) as server:
        directory = os.open(tmp_path, os.O_PATH)
        server.bind(f"/proc/self/fd/{directory}/socket")
        os.close(directory)
    assert arrived(tmp_path, BUILDKIT) == "Dockerfile=1 fifo(p) link(l) socket=0"
    assert arrived(tmp_path, CLASSIC) == "Dockerfile=1 fifo(p) link(l)"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("*\n!a\n!d/x\nd", "a=1 d/ d/x=1"),  # a comes first, and whole
        ("*\n!d/x\n!z\nd", "d/ d/x=0 z=0"),  # the first name arrives empty, and so do all
    ],
)
def test_hard_links_to_a_file_buildkit_empties_share_the_fate_of_the_first(
    tmp_path: Path, rules: str, expected: str
) -> None:
    write(tmp_path, IGNORE=rules, d__x="1")
    os.link(tmp_path / "d/x", tmp_path / "a")
    os.link(tmp_path / "d/x", tmp_path / "z")
    assert arrived(tmp_path, BUILDKIT) == expected
    assert arrived(tmp_path, CLASSIC) == expected.replace("=0", "=1")


def test_buildkit_cannot_transport_a_name_that_is_not_utf8_unless_it_is_ignored(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / os.fsdecode(b"caf\xe9")).touch()
    with pytest.raises(CtxsizeError, match="not UTF-8"):
        arrived(tmp_path, BUILDKIT)
    assert arrived(tmp_path, CLASSIC) == "Dockerfile=1 caf\udce9=0"
    write(tmp_path, IGNORE="caf?\n.*")
    assert arrived(tmp_path, BUILDKIT) == "Dockerfile=1"


def test_a_link_to_what_is_not_utf8_cannot_be_transported_either(tmp_path: Path) -> None:
    write(tmp_path)
    os.symlink(b"caf\xe9", tmp_path / "link")
    with pytest.raises(CtxsizeError, match="not UTF-8"):
        arrived(tmp_path, BUILDKIT)


@pytest.mark.parametrize(
    ("rules", "buildkit", "classic"),
    [
        ("sub", "", "sub/"),  # the classic client sends it, the daemon removes it, its directory stays
        ("*", "", "sub/"),
        ("sub\n!sub/D", "sub/ sub/D=1", "sub/ sub/D=1"),
    ],
)
def test_an_ignored_dockerfile_in_a_directory(
    tmp_path: Path, rules: str, buildkit: str, classic: str
) -> None:
    write(tmp_path, IGNORE=f"{rules}\n.*\nDockerfile", sub__D="1", sub__x="1")
    assert arrived(tmp_path, BUILDKIT, "sub/D") == buildkit
    assert arrived(tmp_path, CLASSIC, "sub/D") == classic


def test_the_classic_client_may_leave_the_dockerfile_out_and_then_the_build_fails(tmp_path: Path) -> None:
    write(tmp_path, IGNORE="**/sub", sub__D="1")
    with pytest.raises(CtxsizeError, match="can't find it"):
        arrived(tmp_path, CLASSIC, "sub/D")


def test_the_dockerfiles_own_ignore_file_replaces_the_other_in_buildkit(tmp_path: Path) -> None:
    write(tmp_path, IGNORE="a\n", a="1", Dockerfile="1")
    (tmp_path / "Dockerfile.dockerignore").write_text("# nothing\n")
    assert arrived(tmp_path, BUILDKIT) == ".dockerignore=2 Dockerfile=1 Dockerfile.dockerignore=10 a=1"
    assert arrived(tmp_path, CLASSIC) == ".dockerignore=2 Dockerfile=1 Dockerfile.dockerignore=10"


@pytest.mark.parametrize("dialect", Dialect)
def test_ignore_files_further_down_mean_nothing(tmp_path: Path, dialect: Dialect) -> None:
    write(tmp_path, IGNORE="D*\n.*\n", d__x="1")
    (tmp_path / "d/.dockerignore").write_text("x")
    assert arrived(tmp_path, dialect) == "d/ d/.dockerignore=1 d/x=1"


def test_the_classic_client_stops_sending_where_it_meets_a_broken_expression(tmp_path: Path) -> None:
    """Its check of the context does not go into ``a``, and when it writes the tar it drops the rest."""
    write(tmp_path, IGNORE="a\n!a/b\nx*[", Dockerfile="1")
    (tmp_path / "a").mkdir()
    write(tmp_path, a__b="1")
    with pytest.raises(CtxsizeError, match="syntax error"):
        arrived(tmp_path, CLASSIC)  # reached at .dockerignore already
    write(tmp_path, IGNORE="**\n!a/b\nx*[")
    write(tmp_path, a__b="1", a__a="1")
    assert arrived(tmp_path, CLASSIC) == ""  # a/b is where it stops
    with pytest.raises(CtxsizeError, match="syntax error"):
        arrived(tmp_path, BUILDKIT)
