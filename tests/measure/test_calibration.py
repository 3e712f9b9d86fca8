"""Probe builds: costs of this engine, and nothing left of them, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import docker
import pytest

from ctxsize.engine.builders.interface import PHASES
from ctxsize.engine.connect import connect
from ctxsize.engine.footprint.leftovers import PROBE_PREFIX
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.calibration import calibrate, probe_files
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent
from tests.support import buildcache
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("seconds", "entries", "files"),
    [
        (0.0, 100_000, 400),
        (-3.0, 100_000, 400),
        (2.0, 100_000, 800),
        (600.0, 100_000, 3000),
        (600.0, 15_000, 1500),
        (600.0, 6, 400),
    ],
)
def test_a_probe_is_as_large_as_the_difference_is_long_and_has_entries_within_bounds(
    seconds: float, entries: int, files: int
) -> None:
    assert probe_files(seconds, entries) == files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_text("x\n")
    return folder


@pytest.mark.docker
def test_costs_are_known_for_every_phase_and_never_negative_and_nothing_is_left(
    project: Path, api: docker.APIClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    images, records = {image["Id"] for image in api.images(all=True)}, buildcache.record_ids(api)
    subject = prepare(project, dockerfile=None, builder="buildkit", options=BuildOptions(), progress=Silent())
    with Run(subject.engine) as run:
        costs = calibrate(Bench(subject, run, subject.builder(run), TimeLimit(None), Silent()), 400)
        assert list((tmp_path / "tmp").iterdir()), "the report does not wait for it"

    assert not list((tmp_path / "tmp").iterdir())
    assert set(costs) == set(PHASES)
    assert all(per_entry >= 0.0 for per_entry in costs.values())
    assert sum(costs.values()) > 0.0
    assert {image["Id"] for image in api.images(all=True)} == images
    assert buildcache.record_ids(api) == records


_ENDLESS = """
import sys, time
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure import calibration
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.progress import Silent
from tests.support import buildcache
from ctxsize.measure.subject import prepare

subject = prepare(sys.argv[1], dockerfile=None, builder="buildkit", options=BuildOptions(), progress=Silent())
calibration._fill = lambda root, files: time.sleep(60)
with Run(subject.engine) as run:
    bench = Bench(subject, run, subject.builder(run), TimeLimit(None), Silent())
    calibration.calibrate(bench, 1)
"""


@pytest.mark.docker
def test_what_a_killed_calibration_leaves_the_next_run_removes(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: docker.APIClient
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = subprocess.Popen(
        [sys.executable, "-c", _ENDLESS, project], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    probes = f"{PROBE_PREFIX}*/nothing/Dockerfile"
    wait_until("a probe", lambda: process.poll() is not None or bool(list(temporary.glob(probes))))
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(temporary.iterdir()), "otherwise this test proves nothing"

    with Run(connect()):
        pass

    assert not list(temporary.iterdir())
