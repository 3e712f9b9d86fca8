"""Engines of the tests' own, beside the machine's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors

from tests.support.waiting import wait_until

MEMORY = "/dev/shm"
#: What the suite takes at most on an engine of its own, with the program and its files.
_ENGINE_KILOBYTES = 4_000_000


class Daemon:
    """A dockerd of the tests' own, with all it keeps in ``folder``.

    ``listen`` is the address of one that is to be reached over TCP. Such a one has a network, and so has one
    with a ``number``: that of its bridge.
    """

    def __init__(
        self,
        folder: Path,
        *,
        listen: str | None = None,
        number: int = 0,
        options: tuple[str, ...] = (),
    ) -> None:
        self.host = listen or f"unix://{folder}/docker.sock"
        self.folder = folder
        self.bridge = f"br-ctxsize-{number or 'test'}"  # 15 letters are the most
        (folder / "data").mkdir(exist_ok=True)
        command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
        command += ["--pidfile", f"{folder}/pid", "--iptables=false", "--ip6tables=false"]
        command += ["--storage-driver=overlay2", "-H", self.host, *options]
        # A daemon without a bridge deletes docker0, which is the machine's own engine's: so this one gets a
        # network of its own or, when it has to reach or be reached, a bridge of its own.
        if listen is None and not number:
            command = ["unshare", "--net", *command, "--bridge=none"]
        else:
            self._make_bridge(f"172.31.{215 + number}.1/24")
            command.append(f"--bridge={self.bridge}")
        # Frugal with processors, not with memory, as in scripts/ensure-engine.
        frugal = {**os.environ, "GOGC": "400"}
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=frugal, start_new_session=True
            )

    def _make_bridge(self, address: str) -> None:
        self._remove_bridge()  # of one that was killed
        for words in (
            ["link", "add", "name", self.bridge, "type", "bridge"],
            ["addr", "add", address, "dev", self.bridge],
            ["link", "set", self.bridge, "up"],
        ):
            subprocess.run(["ip", *words], check=True)

    def _remove_bridge(self) -> None:
        subprocess.run(["ip", "link", "del", self.bridge], check=False, stderr=subprocess.DEVNULL)

    def wait(self, api: docker.APIClient) -> docker.APIClient:
        """Return ``api`` once it answers. Raises AssertionError with the end of the log."""

        def answers() -> bool:
            try:
                return bool(api.ping())
            except (docker.errors.DockerException, OSError) as error:
                raise AssertionError((self.folder / "log").read_text()[-2000:]) from error

        wait_until("its answer", answers)
        return api

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it and what it started."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
        self._remove_bridge()
        containerd = self.folder / "exec/containerd/containerd.pid"
        if containerd.exists():
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(containerd.read_text()), signal.SIGTERM)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)


def can_start() -> bool:
    """Whether engines can be started here."""
    return os.geteuid() == 0 and shutil.which("dockerd") is not None


def copies_run(count: int) -> bool:
    """Whether there is room in memory for ``count`` engines that keep what they have there."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return can_start() and os.path.isdir(MEMORY) and available > count * _ENGINE_KILOBYTES


@contextlib.contextmanager
def running_copy(number: int) -> Iterator[str]:
    """The address of engine ``number`` in memory, with the stand-in base images of this machine's engine."""
    # A socket's path may be 107 bytes long: not below pytest's own long folder names.
    folder = Path(tempfile.mkdtemp(prefix="ctxsize-engine-", dir=MEMORY))
    daemon = Daemon(folder, number=number)
    try:
        daemon.wait(docker.APIClient(base_url=daemon.host, version="1.41"))
        _copy_bases(daemon.host)
        yield daemon.host
    finally:
        daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _copy_bases(host: str) -> None:
    with contextlib.closing(docker.from_env(timeout=300)) as ours:
        bases = [tag for image in ours.images.list("ctxsize/base-*") for tag in image.tags]
    if bases:
        with subprocess.Popen(["docker", "save", *bases], stdout=subprocess.PIPE) as saving:
            environment = {**os.environ, "DOCKER_HOST": host}
            subprocess.run(["docker", "load", "-q"], stdin=saving.stdout, env=environment, check=True)
