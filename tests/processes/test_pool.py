"""Work in several processes: all at once, each with an end, and all stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ctxsize.errors import CtxsizeError
from ctxsize.processes.pool import Pool
from ctxsize.progress import Progress, Silent

ROOT = Path(__file__).resolve().parents[2]
WORK = "tests.processes.work:Working"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


def lost(item: Any, error: CtxsizeError) -> str:
    return f"{item}: {error}"


def run(here: Path, items: list[Any], size: int, progress: Progress | None = None) -> tuple[list[Any], Pool]:
    with Pool(WORK, str(here), size, progress or Silent()) as pool:
        found = pool.map(items, list(map(str, items)), lost)
    return found, pool


def test_items_are_worked_on_at_the_same_time_and_come_back_in_order(tmp_path: Path) -> None:
    """Each of the first three waits until all three have begun."""
    found, pool = run(tmp_path, [3, 3, 3, "print", "x"], 3)

    assert len({pid for pid, _ in found[:3]}) == 3, "three processes"
    assert {turn for _, turn in found} <= {0, 1, 2} and sorted(pool.left) == [0, 1, 2]
    assert {pid for pid, _ in found[3:]} <= {pid for pid, _ in found[:3]}, "a process goes on with the next"
    assert {end.read_text() for end in tmp_path.glob("end-*")} == {"done"}


def test_a_process_that_ends_loses_only_its_own_item(tmp_path: Path) -> None:
    found, _ = run(tmp_path, ["die", "x", "refuse", "y"], 2)

    assert found[0].startswith("die: the process that measured it ended by signal 9 (")
    assert found[2] == "refuse: no (ask otherwise)"
    assert all(isinstance(each, tuple) for each in (found[1], found[3]))


def test_a_fault_of_ours_is_raised_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ValueError: broken"):
        run(tmp_path, ["break"], 2)


def test_progress_names_what_is_worked_on(tmp_path: Path) -> None:
    class Noted(Silent):
        def __init__(self) -> None:
            self.told: list[str] = []

        def phase(self, name: str) -> None:
            self.told.append(name)

        def step(self, name: str) -> None:
            self.told.append(f"- {name}")

    noted = Noted()
    run(tmp_path, ["a", "b"], 1, noted)
    assert noted.told[0] == "0 of 2 done" and noted.told[-1] == "clean up"
    assert "1 of 2 done" in noted.told and "- a: working on a" in noted.told


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_when_we_are_stopped_all_are(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C is handed on and waited for; of kill -9 they hear by the end of their input."""
    code = (
        "from ctxsize.processes.pool import Pool; from ctxsize.progress import Silent\n"
        f"with Pool({WORK!r}, {str(tmp_path)!r}, 3, Silent()) as pool:\n"
        "    pool.map(['wait'] * 5, ['w'] * 5, None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while len(list(tmp_path.glob("begun-*"))) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(how)
    _, said = process.communicate()

    if how == signal.SIGINT:
        assert said.rstrip().endswith("KeyboardInterrupt")
    while len(ends := [end for end in tmp_path.glob("end-*") if end.read_text()]) < 3:
        time.sleep(0.02)
    assert {end.read_text() for end in ends} == {"interrupted"}
