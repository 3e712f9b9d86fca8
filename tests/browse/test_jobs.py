"""What works beside the screen runs nothing of the directory it is started in, and ends with its parent."""

from __future__ import annotations

import queue
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ctxsize.browse.jobs import Found, LintJob, Worker
from ctxsize.ignore.types import Dialect
from tests.support import traps as TRAPS
from tests.support.living import lives
from tests.support.waiting import GIVE_UP_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def job(tmp_path: Path) -> LintJob:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / "id_rsa").write_text("x")
    return LintJob(tmp_path, None, None, {}, Dialect.BUILDKIT)


def test_drafts_are_linted_and_nothing_of_the_directory_runs(
    job: LintJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    TRAPS.lay(job.path)
    monkeypatch.chdir(job.path)
    answers: queue.Queue[Any] = queue.Queue()
    worker = Worker(job, answers.put)
    worker.ask(b"x\n")
    worker.ask(b"id_rsa\n[\n")
    first, second = answers.get(timeout=GIVE_UP_SECONDS), answers.get(timeout=GIVE_UP_SECONDS)
    worker.close()

    assert isinstance(first, Found) and first.data == b"x\n"
    assert "CX501" in {code for code, _, _ in first.texts}
    assert [code for code, _, _ in second.texts] == ["CX001"], "Docker refuses this draft"
    assert answers.get(timeout=GIVE_UP_SECONDS) is None, "it has ended"
    assert TRAPS.sprung(job.path) == []


def test_it_ends_when_whoever_started_it_is_killed(job: LintJob) -> None:
    started = f"""
import os, signal, sys
from pathlib import Path
from ctxsize.browse.jobs import LintJob, Worker
from ctxsize.ignore.types import Dialect
def told(answer):
    print(worker._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
worker = Worker(LintJob(Path({str(job.path)!r}), None, None, {{}}, Dialect.BUILDKIT), told)
worker.ask(b"")
worker.wait()
"""
    done = subprocess.run([sys.executable, "-c", started], capture_output=True, text=True, cwd=ROOT)

    assert done.stdout.strip().isdecimal(), done.stderr
    wait_until("its end", lambda: not lives(int(done.stdout)))
