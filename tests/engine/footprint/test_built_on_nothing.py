"""Cache records that build on no marker: those of ``COPY --link`` and of a heredoc's text.

``pytest -m reference`` with CTXSIZE_REFERENCE_HOST, the address of a current engine, or with
CTXSIZE_BUILDERS_ENGINE, the directory of one with the containerd store: only there has ``COPY --link`` a
record of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest

from ctxsize.engine.buildkit import CacheRecord, Control, connect

pytestmark = pytest.mark.reference

#: How many steps of it make such a record.
_MADE = 3
_DOCKERFILE = """
FROM scratch
COPY --link keep /keep/
COPY <<EOF /text
{text}
EOF
COPY --link . /all/
"""


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    """The BuildKit of a current engine."""
    host = os.environ.get("CTXSIZE_REFERENCE_HOST")
    host = host or f"unix://{os.environ['CTXSIZE_BUILDERS_ENGINE']}/run/modern/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", host)
    control = connect(docker.from_env(timeout=300).api)
    yield control
    control.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose contents nobody has built before."""
    project = tmp_path / "project"
    project.mkdir()
    (project / ".dockerignore").write_text("log\n")
    (project / "log").write_bytes(os.urandom(1000))
    (project / "keep").write_bytes(os.urandom(1000))
    (project / "Dockerfile").write_text(_DOCKERFILE.format(text=os.urandom(16).hex()))
    return project


def compare(project: Path) -> subprocess.Popen[bytes]:
    """A comparison that has begun."""
    words = [sys.executable, "-m", "ctxsize", "compare", str(project), "--repeat", "1"]
    environment = {**os.environ, "XDG_STATE_HOME": str(project.parent / "state")}
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)


def records(control: Control) -> dict[str, CacheRecord]:
    """Its cache records, by their ids."""
    return {each.id: each for each in control.disk_usage()}


def test_a_run_leaves_none_of_them(control: Control, project: Path) -> None:
    before = records(control)
    running = compare(project)
    seen: dict[str, CacheRecord] = {}
    while running.poll() is None:
        seen |= records(control)
        time.sleep(0.05)

    made = [each for each in seen.values() if each.id not in before and not each.parents]
    assert any("preparing inline" in each.description for each in made), "it has made such a record"
    assert running.returncode == 0
    assert records(control).keys() - before.keys() == set()


def test_the_next_run_removes_those_of_one_that_was_killed(control: Control, project: Path) -> None:
    before = records(control)
    with slow_server() as (address, answers):
        with (project / "Dockerfile").open("a") as file:
            file.write(f"ADD {address} /fetched\n")
        running = compare(project)
        # Nobody knows of what an engine makes after a kill. So the kill comes when the build has done all it
        # can, and only waits for the server.
        earlier, noted = "", _noted(project)
        while noted != earlier or _steps(noted) < _MADE:
            assert running.poll() is None, "it makes such records"
            time.sleep(2)
            earlier, noted = noted, _noted(project)
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert any("preparing inline" in each.description for each in _new(control, before))

        answers.set()
        assert compare(project).wait() == 0
    assert _new(control, before) == []


@contextmanager
def slow_server() -> Iterator[tuple[str, threading.Event]]:
    """The address of a file, and what is to be set before anybody gets it."""
    answers = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.wait()
            with suppress(OSError):  # who asked may be gone
                self.send_response(200)
                self.send_header("Content-Length", "1")
                self.end_headers()
                self.wfile.write(b"x")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{os.urandom(4).hex()}", answers
    finally:
        answers.set()
        server.shutdown()
        server.server_close()


def _noted(project: Path) -> str:
    """The journal of the run."""
    return "".join(each.read_text() for each in (project.parent / "state").rglob("*.jsonl"))


def _steps(journal: str) -> int:
    """How many different steps that make such records have ended, by the journal. A step can end twice."""
    return len({line.split()[-1] for line in journal.splitlines() if '"expected"' in line})


def _new(control: Control, before: dict[str, CacheRecord]) -> list[CacheRecord]:
    return [each for each in records(control).values() if each.id not in before]
