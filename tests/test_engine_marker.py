"""A test that needs an engine never passes by not running: without one it fails in CI, else it is skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("ci", "code", "says"),
    [("true", 1, "1 error"), ("false", 0, "1 skipped"), ("", 0, "1 skipped")],
)
def test_without_an_engine(ci: str, code: int, says: str, tmp_path: Path) -> None:
    one = "tests/fixtures/test_flask_gunicorn.py::test_pages"
    environment = os.environ | {"CI": ci, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}

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
