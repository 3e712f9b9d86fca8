"""Starting an image of the flask-gunicorn fixture and looking at what really runs in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import docker
from docker.models.containers import Container

from tests.support.waiting import GIVE_UP_SECONDS, wait_until

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

    def stop(self) -> int:
        """Ends it with ``docker stop``, which kills what does not end within 10 s; the exit code."""
        self.container.stop()
        return int(self.container.wait(timeout=GIVE_UP_SECONDS)["StatusCode"])


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
            wait_until("the health page", lambda: served.get("/health").status == 200)
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
        wait_until("4 workers", lambda: len(served.processes()[1]) == 4)
        master, workers = served.processes()
        assert master == 1, "Gunicorn is the container's first process, so that it gets docker stop's signal"

        victim = min(workers)
        served.kill(victim)
        wait_until(
            "a new worker", lambda: len(served.processes()[1]) == 4 and victim not in served.processes()[1]
        )
        after = served.processes()
        assert after[0] == master
        assert workers - {victim} < after[1], "the other three are still the same ones"
        assert served.get("/health").status == 200

        status = served.stop()
        assert status == 0, f"exit code {status}\n{served.container.logs().decode()}"
        assert "Shutting down: Master" in served.container.logs().decode()
