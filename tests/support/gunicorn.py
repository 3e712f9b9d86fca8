"""Starting an image of the flask-gunicorn fixture and looking at what really runs in it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import docker
from docker.models.containers import Container

PORT = 80

# Run inside the container: Python is in every image this is used on, ps and curl are not.
PROCESSES = """
import json, pathlib
found = []
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        command = (entry / "cmdline").read_text().split("\\0")
        state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        continue
    if any(part.endswith("gunicorn") for part in command) and state != "Z":
        found.append([int(entry.name), int(parent)])
print(json.dumps(found))
"""
GET = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
    print(answer.status, answer.headers["Server"], answer.read().decode())
"""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: HTTP status, the ``Server`` header, the body."""

    status: int
    server: str
    body: str


class Served:
    """A running container of the image."""

    def __init__(self, container: Container) -> None:
        self.container = container

    def python(self, code: str, *args: str) -> str:
        """The output of ``code``, run by the container's Python; raises AssertionError if it fails."""
        status, output = self.container.exec_run(["python", "-c", code, *args])
        assert isinstance(output, bytes)
        assert status == 0, output.decode(errors="replace")
        return output.decode()

    def get(self, path: str) -> Page:
        """The page at ``path``, through Gunicorn."""
        status, server, body = self.python(GET, f"http://127.0.0.1:{PORT}{path}").split(" ", 2)
        return Page(int(status), server, body)

    def processes(self) -> tuple[int, set[int]]:
        """The process id of Gunicorn's master, and those of its workers, as the container numbers them."""
        parents: dict[int, int] = dict(json.loads(self.python(PROCESSES)))
        master = next(pid for pid, parent in parents.items() if parent not in parents)
        return master, {pid for pid, parent in parents.items() if parent == master}

    def kill(self, pid: int) -> None:
        """Kills a process in the container, as the kernel does when memory runs out."""
        self.python("import os, sys; os.kill(int(sys.argv[1]), 9)", str(pid))

    def terminate(self, timeout: float = 10) -> tuple[int, float]:
        """Sends SIGTERM as ``docker stop`` does; the exit code and the seconds until it ended."""
        start = time.monotonic()
        self.container.kill(signal="SIGTERM")
        status = self.container.wait(timeout=timeout)["StatusCode"]
        return int(status), time.monotonic() - start


def wait_for(what: str, condition: Callable[[], bool], timeout: float = 20) -> None:
    """Waits until ``condition()`` is true; raises AssertionError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            if condition():
                return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.1)


@contextlib.contextmanager
def serve(engine: docker.DockerClient, image: str) -> Iterator[Served]:
    """Starts ``image`` with its own CMD and waits until it answers; removes the container at the end."""
    # No network: the pages are fetched from inside, so this needs no bridge and no free port.
    container = engine.containers.run(
        image, detach=True, network_mode="none", labels={"org.ctxsize.test": "serve"}
    )
    try:
        served = Served(container)
        try:
            wait_for("the health page", lambda: served.get("/health").status == 200)
        except (AssertionError, docker.errors.APIError) as error:
            raise AssertionError(f"{image} does not serve: {error}\n{container.logs().decode()}") from error
        yield served
    finally:
        container.remove(force=True)


def check_serves(engine: docker.DockerClient, image: str) -> None:
    """Everything the fixture's image must do: serve pages by Gunicorn's master and 4 workers, replace a
    worker that dies, end cleanly on SIGTERM. Raises AssertionError saying what it did not do.
    """
    with serve(engine, image) as served:
        page = served.get("/")
        assert (page.status, page.server) == (200, "gunicorn"), page
        assert "The Pragmatic Programmer" in page.body, page.body
        wait_for("4 workers", lambda: len(served.processes()[1]) == 4)
        master, workers = served.processes()
        assert master == 1, "Gunicorn is the container's first process, so that it gets docker stop's signal"

        victim = min(workers)
        served.kill(victim)
        wait_for(
            "a new worker", lambda: len(served.processes()[1]) == 4 and victim not in served.processes()[1]
        )
        after = served.processes()
        assert after[0] == master
        assert workers - {victim} < after[1], "the other three are still the same ones"
        assert served.get("/health").status == 200

        status, seconds = served.terminate()
        assert status == 0, f"exit code {status}\n{served.container.logs().decode()}"
        assert seconds < 10, f"docker stop kills after 10 s, this took {seconds:.1f} s"
        assert "Shutting down: Master" in served.container.logs().decode()
