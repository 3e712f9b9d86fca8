"""The tree changes while it is sent, or holds what no tree should."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ctxsize.api import compare as measure
from ctxsize.context.archive import tar_stream
from ctxsize.context.walk import walk
from ctxsize.errors import CtxsizeError
from tests.faults.conftest import Compare
from tests.faults.test_engine import When

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("nothing_left")]


def _delete(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    os.truncate(path, 10)


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(1 << 20))


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("change", [_delete, _truncate, _grow, _directory, _fifo])
def test_a_file_changes_while_it_is_sent(project: Path, builder: str, change: Callable[[Path], None]) -> None:
    """It ends: with a measurement, as the official client's build would, or with an error naming the file."""
    victim = project / "data" / "file3"
    try:
        found = measure(project, builder=builder, repeat=1, progress=When(lambda: change(victim), sent=1))
    except CtxsizeError as error:
        assert "file3" in str(error)
    else:
        assert found.comparison.variants["with"].build is not None


@pytest.fixture
def odd_tree(tmp_path: Path) -> Path:
    """A context with everything a file system allows and BuildKit takes."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /src/\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "a.log").write_text("x" * 1000)
    os.mkfifo(folder / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.close()
    (folder / "sparse").touch()
    os.truncate(folder / "sparse", 5 << 20)
    for name in ("n" * 255, "new\nline", "-rf", " blank ", "\u202eright-to-left", "tab\tand\x1b[31mred"):
        (folder / name).write_text(name)
    (folder / "loop").symlink_to("loop")
    (folder / "to-parent").symlink_to("..")
    (folder / "out").symlink_to("/etc/passwd")
    deep = folder
    for _ in range(15):
        deep /= "d" * 250
        deep.mkdir()
    (deep / "file").write_text("deep")
    return folder


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_odd_files_are_measured(compare: Compare, odd_tree: Path, builder: str) -> None:
    outcome = compare("--builder", builder, folder=odd_tree)

    assert outcome.code == 0, outcome.lines
    assert outcome.report is not None
    assert outcome.report["saved"]["image_bytes"] == 1000 - len("*.log\n")


def test_a_name_that_is_not_utf8_is_one_line_with_buildkit_and_measured_with_classic(
    compare: Compare, project: Path
) -> None:
    Path(os.fsdecode(os.fsencode(project) + b"/caf\xe9")).touch()

    outcome = compare("--builder", "buildkit")
    assert outcome.code == 2
    assert "caf\\xe9" in outcome.lines[0]
    assert compare("--builder", "classic").code == 0


@pytest.mark.slow
def test_a_file_of_more_than_4_gigabytes_is_sent_whole(tmp_path: Path) -> None:
    """By its tar, without a build: sizes of more than 32 bits, in constant memory."""
    with (tmp_path / "sparse").open("wb") as file:
        os.truncate(file.fileno(), (4 << 30) + 1)
    sent: dict[str, int] = {}

    total = sum(len(part) for part in tar_stream(walk(tmp_path, None), tmp_path, sent=sent.__setitem__))

    assert sent["sparse"] == 512 + (4 << 30) + 512
    assert total == sent["sparse"] + 1024


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_100_000_entries_in_one_directory(compare: Compare, project: Path, builder: str) -> None:
    (project / "many").mkdir()
    for number in range(100_000):
        (project / "many" / f"{number}.log").touch()
    (project / ".dockerignore").write_text("many\n*.log\n")

    outcome = compare("--builder", builder)

    assert outcome.code == 0
    assert outcome.report is not None
    assert outcome.report["saved"]["context_files"] == 100_002


def test_a_clock_that_goes_backwards_makes_no_negative_time(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    now = [2_000_000_000.0]

    def backwards() -> float:
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    monkeypatch.setattr(time, "time_ns", lambda: int(backwards() * 1e9))

    outcome = compare("--builder", "buildkit")

    assert outcome.code == 0
    assert outcome.report is not None
    for variant in outcome.report["variants"].values():
        assert all(seconds > 0 for seconds in variant["build"]["runs"])
        assert all(step["seconds"] >= 0 for step in variant["build"]["steps"])
