"""A test that needs an engine never passes by not running: without one it fails in CI, else it is skipped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Without what else there is in this environment, a pytest starts twice as fast.
LEAN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.mark.parametrize(
    ("ci", "code", "says"),
    [("true", 1, "1 error"), ("false", 0, "1 skipped"), ("", 0, "1 skipped")],
)
def test_without_an_engine(ci: str, code: int, says: str, tmp_path: Path) -> None:
    one = "tests/fixtures/test_flask_gunicorn.py::test_pages"
    environment = os.environ | LEAN | {"CI": ci, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-rs",
            "--basetemp",
            tmp_path / "base",
            one,
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == code, done.stdout
    assert says in done.stdout
    assert "scripts/ensure-engine starts one" in done.stdout


def test_tests_with_an_engine_share_one_process(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    words = [
        "-m",
        "pytest",
        "-p",
        "xdist",
        "-v",
        "-n",
        "2",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        tmp_path / "base",
    ]
    paths = ["tests/fixtures/test_flask_gunicorn.py", "tests/test_units.py"]
    environment = os.environ | LEAN | {"CI": "", "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}

    done = subprocess.run(
        [sys.executable, *words, *paths], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    ran = re.findall(r"^\[(gw\d)\].* (PASSED|SKIPPED) ", done.stdout, re.MULTILINE)
    without_engine = [process for process, outcome in ran if outcome == "SKIPPED"]
    assert len(without_engine) == 5, done.stdout
    assert len(set(without_engine)) == 1
    assert {process for process, _ in ran} == {"gw0", "gw1"}
