"""A disk is full: the engine's, or ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import (
    Compare,
    OwnEngine,
    When,
    engine_of_ours,
    fill,
    nothing_stays_on,
)
from tests.support.waiting import GIVE_UP_SECONDS, wait_until

pytestmark = pytest.mark.docker


def builders(first: str) -> list[Any]:
    """All three for a parameter, of which only the ``first``, another one in each test, is part of every run
    of the suite."""
    others = [each for each in ("buildkit", "classic") if each != first]
    return [first, *(pytest.param(each, marks=pytest.mark.slow) for each in others)]


#: Bytes of the engine's disk, and of a file that does not fit there.
DISK = 64 << 20
TOO_LARGE = 80 << 20
#: Bytes of which some are left by an engine that built the same layer twice (docs/how-it-measures.md).
PART = 16 << 20


@pytest.fixture
def small_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    """An engine with a small disk, as the one to measure on; afterwards there is room on it again.

    One for each test: it holds some files open that it has removed, and with them their room.
    """
    with engine_of_ours(disk=DISK) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        with nothing_stays_on(engine, restart=True):
            ballast = engine.folder / "data" / "ballast"
            ballast.write_bytes(bytes(8 << 20))
            yield engine
            ballast.unlink()  # somebody makes room, as the error says
        wait_until("room", lambda: _has_room(engine.folder / "data"))


def _has_room(folder: Path) -> bool:
    """Raises AssertionError that says how much is there, if it is more than PART."""
    kept = _bytes_below(folder)
    assert kept <= PART, f"{kept:,} bytes are left on the engine's disk"
    return True


def _bytes_below(folder: Path) -> int:
    done = subprocess.run(["du", "-s", "-B1", folder], capture_output=True, text=True, check=False)
    return int(done.stdout.split()[0])


def _sparse(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)


@pytest.mark.usefixtures("small_engine")
@pytest.mark.parametrize("builder", builders("classic"))
def test_the_engines_disk_is_full_in_the_first_build(compare: Compare, project: Path, builder: str) -> None:
    _sparse(project / "large", TOO_LARGE)

    outcome = compare("--builder", builder)

    assert outcome.code == 3
    assert 1 <= len(outcome.lines) <= 2, "one line for each variant that it befell"
    for line in outcome.lines:
        assert "no space left on device" in line
        assert "the engine's disk is full: make room there (`docker system df` " in line
        assert len(line) < 500
    assert outcome.report is not None
    assert outcome.report["variants"]["without"]["context"]["bytes"] > TOO_LARGE, "the scan is reported"


@pytest.mark.usefixtures("small_engine")
@pytest.mark.parametrize("builder", builders("buildkit"))
def test_only_the_build_without_the_ignore_file_does_not_fit_on_the_engines_disk(
    compare: Compare, project: Path, builder: str
) -> None:
    _sparse(project / "a.log", TOO_LARGE)

    outcome = compare("--builder", builder)

    assert outcome.code == 3
    assert len(outcome.lines) == 1
    assert "the engine's disk is full" in outcome.lines[0]
    assert outcome.measured("with")
    assert outcome.report is not None
    assert outcome.report["variants"]["with"]["image"]["bytes"] > 4 << 20, "its image is read all the same"


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("builder", builders("classic"))
def test_no_room_to_note_what_a_run_makes(
    compare: Compare, full_disk: Path, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(full_disk))

    outcome = compare("--builder", builder)

    assert outcome.code == 2
    assert len(outcome.lines) == 1
    assert str(full_disk) in outcome.lines[0]
    assert "No space left on device (set XDG_STATE_HOME " in outcome.lines[0]


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.slow
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_room_to_note_what_a_run_makes_ends_between_the_builds(
    compare: Compare, full_disk: Path, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(full_disk))
    (full_disk / "filler").unlink()

    outcome = compare("--builder", builder, when=When(lambda: fill(full_disk), nth=3))

    # A page that was begun takes some more lines: it may just have been enough.
    assert outcome.code in (0, 2)
    assert outcome.measured("with")
    assert all("set XDG_STATE_HOME to a directory with room" in line for line in outcome.lines)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.slow
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_no_room_for_the_listing_of_the_images(project: Path, full_disk: Path, builder: str) -> None:
    """It goes to the disk when it is long: long paths make it so with few files."""
    deep = project.joinpath(*["d" * 200] * 15)
    deep.mkdir(parents=True)
    for number in range(1000):
        (deep / f"{number}").touch()

    # SQLite asks for TMPDIR once in a process.
    command = [sys.executable, "-m", "ctxsize", "compare", "--repeat", "1", "--builder", builder, project]
    environment = os.environ | {"TMPDIR": str(full_disk)}
    done = subprocess.run(
        [*command, "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
    )

    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert "have TMPDIR name a directory with room" in lines[0]
    assert all(variant["build"]["runs"] for variant in json.loads(done.stdout)["variants"].values())


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_left")
def test_no_room_for_the_probes_leaves_the_time_of_paths_unknown(
    compare: Compare, project: Path, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(full_disk))
    (project / ".dockerignore").write_text("*.log\ndata\n")

    outcome = compare("--builder", "buildkit", "--repeat", "3", "--exact", "1")

    assert outcome.code == 0
    assert outcome.report is not None
    assert any("No space left on device" in each["message"] for each in outcome.report["warnings"])
    assert all(path["seconds"] is None for path in outcome.report["paths"])
    assert [each.name for each in full_disk.iterdir()] == ["filler"]


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_left")
def test_no_room_to_remember_pull_sizes_is_nobodys_business(
    compare: Compare, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(full_disk))

    assert compare("--builder", "buildkit").code == 0
    assert [each.name for each in (full_disk / "ctxsize").iterdir()] == [], "nothing half-written is left"


@pytest.mark.usefixtures("nothing_left")
def test_a_report_that_finds_no_room_goes_to_standard_output(compare: Compare, full_disk: Path) -> None:
    outcome = compare("--builder", "buildkit", "--output", full_disk / "report.json")

    assert outcome.code == 2
    assert [line.split(": ", 2)[2] for line in outcome.lines] == [
        f"{full_disk}/report.json: can't be written: No space left on device"
    ]
    assert outcome.measured("with")
    assert outcome.measured("without")


@pytest.mark.usefixtures("nothing_left")
def test_a_report_that_can_be_written_nowhere_is_one_line(project: Path) -> None:
    command = [sys.executable, "-m", "ctxsize", "compare", "--repeat", "1", "--builder", "buildkit", project]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 2
    assert done.stderr.splitlines() == ["ctxsize: error: -: can't be written: No space left on device"]
