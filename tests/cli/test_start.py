"""A signal while the program still imports what it needs: one line, and the exit code of an interruption."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
    _, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (130, "ctxsize: interrupted\n")


def test_the_installed_programs_start_here() -> None:
    from importlib.metadata import entry_points

    programs = {each.name: each.value for each in entry_points(group="console_scripts")}

    assert programs["ctxsize"] == "ctxsize.__main__:main"
    assert programs["docker-ctxsize"] == "ctxsize.__main__:docker_main"
