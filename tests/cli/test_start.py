"""How the program starts: a signal while it still imports what it needs is one line and the exit code of an
interruption; and it takes no longer than it must, at the end either."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Importing click, which everything here needs, says so and takes for ever."""
    (tmp_path / "click.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    return {"PYTHONPATH": f"{tmp_path}:{ROOT}"}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("program", ["main", "docker_main"])
def test_a_signal_during_imports_is_no_traceback(
    environment: dict[str, str], program: str, stop: signal.Signals
) -> None:
    code = f"from ctxsize.__main__ import {program}; {program}()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "compare"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"

    process.send_signal(stop)
    _, errors = process.communicate(timeout=GIVE_UP_SECONDS)

    assert (process.returncode, errors) == (130, "ctxsize: interrupted\n")


def test_the_installed_programs_start_here() -> None:
    from importlib.metadata import entry_points

    programs = {each.name: each.value for each in entry_points(group="console_scripts")}

    assert programs["ctxsize"] == "ctxsize.__main__:main"
    assert programs["docker-ctxsize"] == "ctxsize.__main__:docker_main"


def test_nothing_is_searched_for_cycles_at_the_end() -> None:
    """A third of the time of a short run went there."""
    code = (
        "import atexit, gc; from ctxsize.__main__ import main;"
        " atexit.register(lambda: print(gc.get_freeze_count() > 10_000)); main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "--version"], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.endswith("\nTrue\n"), done.stderr


def test_a_static_check_loads_nothing_of_images_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    code = (
        "import atexit, sys; from ctxsize.__main__ import main;"
        " slow = {'ctxsize.inspection.types', 'tarfile', 'tomllib', 'statistics'};"
        " atexit.register(lambda: print(sorted(slow & set(sys.modules)))); main()"
    )
    command = [sys.executable, "-c", code, "check", "--static", "--limit", "context=1 MB", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stdout + done.stderr
