"""A program that is started without its standard streams neither fails nor takes a file of ours for one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "closed", "code", "said"),
    [
        ("why a", ">&-", 0, ""),
        ("why a", "2>&-", 0, "a: ignored by .dockerignore:1: a\n"),
        ("why ../x", "2>&-", 2, ""),
        ("why a", "<&- >&- 2>&-", 0, ""),
        ("why --stdin", "<&-", 2, "ctxsize: error: standard input: can't be read: Bad file descriptor\n"),
        ("context -o report", "<&- >&- 2>&-", 0, ""),
        ("context --help", ">&-", 0, ""),
    ],
)
def test_closed_streams(tmp_path: Path, words: str, closed: str, code: int, said: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text("a\n")
    (tmp_path / "a").touch()
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m ctxsize {words} {closed}"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout + done.stderr) == (code, said)
    if "-o" in words:
        assert (tmp_path / "report").read_text().count("Dockerfile, .dockerignore") == 1
