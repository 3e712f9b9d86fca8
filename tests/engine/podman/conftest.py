"""The Podman of ``scripts/podman-engine``, in the directory that CTXSIZE_PODMAN_ENGINE names."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli.main import main
from tests.engine.buildkit.base import make_base
from tests.engine.buildkit.cases import BASE

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "podman-engine"
DIRECTORY = Path(os.environ.get("CTXSIZE_PODMAN_ENGINE", ROOT / ".cache" / "podman-engine"))
RUN_LABEL = "org.ctxsize.run"


class Podman:
    """A Podman: its API, and the command itself on the same storage. ``host`` is its address."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.api = docker.APIClient(base_url=host, version="auto")

    def command(self, *words: str | Path) -> str:
        """What ``podman WORDS`` prints."""
        done = subprocess.run(self._words(*words), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def kill(self) -> None:
        """End the service, as a power cut would, with all that it runs."""
        subprocess.run([SCRIPT, "kill", DIRECTORY], check=True)

    def start(self) -> None:
        """Have it answer again."""
        subprocess.run([SCRIPT, "start", DIRECTORY], check=True, stdout=subprocess.DEVNULL)

    def images(self) -> set[str]:
        """All images, intermediate ones too."""
        return set(self.command("images", "--all", "--quiet", "--no-trunc").split())

    def labelled(self) -> set[str]:
        """The images with the label of a run."""
        return {str(image["Id"]) for image in self.api.images(all=True, filters={"label": RUN_LABEL})}

    def containers(self) -> set[str]:
        """All containers, those in which something builds too."""
        listing = self.command("ps", "--all", "--external", "--quiet", "--no-trunc")
        return set(listing.split())

    def files(self, image: str, below: str) -> dict[str, int]:
        """The regular files of an image below a directory, with their sizes."""
        script = f"cd {below} && /bin/busybox find . -type f -exec /bin/busybox stat -c '%s %n' {{}} +"
        out = self.command("run", "--rm", "--network=none", image, "/bin/busybox", "sh", "-c", script)
        sizes = (line.split(" ./", 1) for line in out.splitlines())
        return {name: int(size) for size, name in sizes}

    def _words(self, *words: str | Path) -> list[str | Path]:
        return [SCRIPT, "client", DIRECTORY, *words]


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """The Podman, with the tests' base image."""
    if not (DIRECTORY / "containers.conf").exists():
        pytest.skip("no Podman: scripts/podman-engine start DIR sets one up (CTXSIZE_PODMAN_ENGINE=DIR)")
    done = subprocess.run([SCRIPT, "start", DIRECTORY], check=True, capture_output=True, text=True)
    podman = Podman(done.stdout.strip())
    make_base(podman.api)
    yield podman
    podman.api.close()


@pytest.fixture(autouse=True)
def environment(podman: Podman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Podman is the engine, of a user of the test's own; nothing with our label is left after a test."""
    monkeypatch.setenv("DOCKER_HOST", podman.host)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = podman.labelled()
    yield
    assert podman.labelled() <= before


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose ignore file keeps out one file of 1,000 bytes."""
    folder = tmp_path / "project"
    (folder / "junk").mkdir(parents=True)
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo before\nCOPY . /app/\nRUN ls /app\n")
    (folder / ".dockerignore").write_text("junk\n.dockerignore\n")
    (folder / "main").write_text("main")
    (folder / "junk" / "data").write_bytes(b"x" * 1000)
    return folder


def ctxsize(*words: str | Path) -> Result:
    """``ctxsize WORDS`` in this process; never a traceback."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def compare(*words: str | Path, code: int = 0) -> dict[str, Any]:
    """The report of ``ctxsize compare WORDS``, which ends with ``code``."""
    result = ctxsize("compare", "--format", "json", *words)
    assert result.exit_code == code, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report
