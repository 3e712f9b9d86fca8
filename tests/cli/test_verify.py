"""``ctxsize compare --verify`` and ``--cache-cost`` as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import jsonschema
import pytest

from ctxsize.engine.marks import RUN_LABEL
from tests.support.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "comparison-1.json").read_text())

Popen = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.docker


@pytest.fixture
def project(tmp_path: Path, base_args: Callable[[str], dict[str, str]]) -> Path:
    """A project that needs the file it ignores (``settings``), and is spoiled by another (``stale``)."""
    folder = tmp_path / "shop"
    (folder / "stale").mkdir(parents=True)
    base = base_args("links")["BASE"]
    (folder / "Dockerfile").write_text(f'FROM {base}\nWORKDIR /src\nCOPY . .\nENTRYPOINT ["/nope"]\n')
    (folder / ".dockerignore").write_text("settings\nstale\n")
    (folder / "settings").write_text("x" * 100)
    (folder / "stale/a").write_text("x")
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Popen]:
    """``start("compare", …)``: the program as a process, with a home of its own."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    started: list[subprocess.Popen[str]] = []

    def run(*words: str | Path) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "ctxsize", *map(str, words)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env={**os.environ, **state, "PYTHONPATH": str(ROOT)},
            )
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def compare(start: Popen, project: Path, *words: str) -> tuple[int, str, str]:
    process = start("compare", project, "--repeat", "1", "--network", "none", *words)
    out, errors = process.communicate(timeout=GIVE_UP_SECONDS)
    return process.returncode, out, errors


def test_an_image_that_does_not_work_with_the_ignore_file_is_a_finding(start: Popen, project: Path) -> None:
    code, out, errors = compare(start, project, "--verify", "cat settings", "--format", "json")

    assert code == 1
    assert "  | cat: can't open 'settings'" in errors
    assert "[with the ignore file]: `cat settings` ended with exit code 1 (it passes without" in errors
    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    verified = {name: report["variants"][name]["verify"] for name in ("with", "without")}
    assert [verified[name]["exit_code"] for name in ("with", "without")] == [1, 0]
    assert verified["without"]["output_tail"] == ["x" * 100]


def test_that_only_the_image_without_the_ignore_file_is_broken_is_a_note_and_rebuilds_have_a_column(
    start: Popen, project: Path
) -> None:
    words = ["--verify", "! test -e stale/a", "--cache-cost"]
    code, out, errors = compare(start, project, *words)

    assert (code, errors) == (0, "")
    assert "exit code 1" in next(line for line in out.splitlines() if line.startswith("verify"))
    assert "note: `! test -e stale/a` ended with exit code 1 in the image built without" in out
    table = out[out.index("Saved, by path") :].splitlines()
    assert "each rebuild" in table[1]
    assert "?" not in table[2] + table[3]


def test_an_empty_command_verifies_nothing(start: Popen, project: Path) -> None:
    assert compare(start, project, "--verify", " ")[0] == 2


def test_no_container_is_left_by_an_interruption_nor_for_long_by_a_kill(
    start: Popen, project: Path, api: docker.APIClient
) -> None:
    def ours() -> list[str]:
        return [each["Id"] for each in api.containers(all=True, filters={"label": RUN_LABEL})]

    def verifying() -> subprocess.Popen[str]:
        process = start(
            "compare", project, "--repeat", "1", "--verify", "sleep 300", "--verify-timeout", "300"
        )
        while not ours():
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        return process

    interrupted = verifying()
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=GIVE_UP_SECONDS)
    assert (interrupted.returncode, ours()) == (130, [])

    killed = verifying()
    killed.kill()
    killed.communicate()
    assert len(ours()) == 1
    assert start("clean").wait(timeout=GIVE_UP_SECONDS) == 0
    assert ours() == []
