"""Faults are done to real engines; after each, nothing may be left and the project must be as it was."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli.main import main
from ctxsize.engine.connect import connect
from ctxsize.engine.footprint.clean import clean
from ctxsize.progress import Silent
from tests.engine.buildkit.base import make_base
from tests.engine.buildkit.cases import BASE
from tests.engine.buildkit.conftest import build_folder
from tests.support import buildcache
from tests.support.daemon import Daemon, can_start
from tests.support.proxy import Fault, Proxy
from tests.support.tree import tree_hash
from tests.support.waiting import GIVE_UP_SECONDS, must_end, wait_until

Compare = Callable[..., "Outcome"]


class Outcome:
    """What ``ctxsize compare --format json`` ended with: exit code, its line on stderr, the report if any."""

    def __init__(self, result: Result) -> None:
        assert result.exception is None or isinstance(result.exception, SystemExit), "a traceback"
        assert "Traceback" not in result.stderr
        self.code = result.exit_code
        self.lines = [line for line in result.stderr.splitlines() if line.startswith("ctxsize: ")]
        self.errors = [line for line in self.lines if line.startswith("ctxsize: error")]
        self.report: dict[str, Any] | None = json.loads(result.stdout) if result.stdout else None

    def measured(self, variant: str) -> bool:
        """Whether the report has the build time of a variant."""
        return bool(self.report and (self.report["variants"][variant]["build"] or {}).get("runs"))


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of the test's own, with a temporary directory of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose context takes a moment to send."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /src/\nCOPY small /small\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "small").write_text("x")
    (folder / "a.log").write_bytes(os.urandom(200_000))
    for number in range(4):
        (folder / "data" / f"file{number}").write_bytes(os.urandom(1 << 20))
    return folder


class When(Silent):
    """Does something once, in the build that is the ``nth`` to be announced (by that ``word``): when that is
    announced, when ``sent`` bytes have gone to the engine, or when a step says ``line``."""

    def __init__(
        self,
        do: Callable[[], object],
        *,
        nth: int = 1,
        sent: int | None = None,
        line: str | None = None,
        word: str = "build",
    ) -> None:
        self._do: Callable[[], object] | None = do
        self._nth = nth
        self._sent = sent
        self._line = line
        self._builds = 0
        self._word = word

    @property
    def done(self) -> bool:
        """Whether it came to that."""
        return self._do is None

    def phase(self, name: str) -> None:
        self._builds += self._word in name
        if self._sent is None and self._line is None:
            self._now()

    def sent(self, size: int) -> None:
        if self._sent is not None and size >= self._sent:
            self._now()

    def log(self, line: str) -> None:
        if self._line is not None and line.strip() == self._line:
            self._now()

    def _now(self) -> None:
        if self._builds >= self._nth and self._do is not None:
            do, self._do = self._do, None
            do()


@pytest.fixture
def compare(project: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """``compare("--builder", "classic")``: compare the project; it must end, and leave the tree. Another
    ``command`` is run in the same way.

    ``when`` does harm meanwhile, and must have come to it. ``same_tree=False`` where the harm is to the tree.
    """

    def run(
        *words: str | Path,
        folder: Path = project,
        same_tree: bool = True,
        when: When | None = None,
        limit: int = GIVE_UP_SECONDS,
        command: str = "compare",
    ) -> Outcome:
        before = tree_hash(folder) if same_tree else ""
        if when is not None:
            monkeypatch.setattr("ctxsize.cli.output.make_progress", lambda **_: when)
        arguments = [command, str(folder), "--repeat", "1", "--format", "json", *map(str, words)]
        with must_end(limit):
            result = CliRunner().invoke(main, arguments)
        assert when is None or when.done, "it never came to the fault"
        outcome = Outcome(result)
        if same_tree:
            assert tree_hash(folder) == before, "it wrote in the tree"
        return outcome

    return run


def things(api: docker.APIClient) -> set[str]:
    """Every image, container and cache record on the engine."""
    return {
        *(f"image {each['Id']}" for each in api.images(all=True)),
        *(f"container {each['Id']}" for each in api.containers(all=True)),
        *(f"cache record {each}" for each in buildcache.record_ids(api)),
    }


def _clean_up() -> None:
    """Remove what is left, with a user's patience and not that of a test: a busy engine takes its time."""
    engine = connect()
    engine.api.timeout = 2 * GIVE_UP_SECONDS
    clean(engine)


def _cleaned(api: docker.APIClient, before: set[str]) -> bool:
    """Whether all is as ``before``. Cleans up what is left, and raises AssertionError that names it."""
    if left := things(api) - before:
        _clean_up()
        raise AssertionError(f"left on the engine: {left}")
    return True


@pytest.fixture
def nothing_left(api: docker.APIClient) -> Iterator[None]:
    """What a fault kept from being removed, the next start removes: after that nothing is left."""
    before = things(api)
    yield
    wait_until("nothing left", lambda: _cleaned(api, before))


@pytest.fixture
def proxied(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Fault], Proxy]]:
    """``proxied(fault)``: from now on the engine is behind a proxy that does this harm."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("the engine is not on a Unix socket")
    started: list[Proxy] = []

    def start(fault: Fault) -> Proxy:
        started.append(Proxy(host, tmp_path_factory.mktemp("p") / "s", fault))
        monkeypatch.setenv("DOCKER_HOST", started[-1].url)
        return started[-1]

    yield start
    for proxy in started:
        proxy.close()
    monkeypatch.setenv("DOCKER_HOST", host)


class OwnEngine:
    """An engine of the tests' own, which may be stopped, killed, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self.start()

    def start(self) -> None:
        """Start it, again if need be, and wait until it answers."""
        (self.folder / "pid").unlink(missing_ok=True)
        self.daemon = Daemon(self.folder)
        self.daemon.wait(docker.APIClient(base_url=self.host, version="1.41"))

    def kill(self) -> None:
        """End it as kill -9 does, with the containerd it started: another one could not start beside it."""
        self.daemon.kill()
        containerd = self.folder / "exec" / "containerd" / "containerd.pid"
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(containerd.read_text()), signal.SIGKILL)
            containerd.unlink()

    def stop(self, *, mounts: bool = True) -> None:
        """End it as the system does: it is asked to. ``mounts``: and end what is mounted there."""
        if mounts:
            self.daemon.stop()
        else:
            self.daemon.process.terminate()
            self.daemon.process.wait(GIVE_UP_SECONDS)

    def freeze(self) -> None:
        """It stays, and says nothing any more."""
        self.daemon.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self.daemon.process.send_signal(signal.SIGCONT)

    @property
    def api(self) -> docker.APIClient:
        """A client of it."""
        return docker.APIClient(base_url=self.host, version="1.41")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine is given up after a second or two of silence, where it is a minute or more otherwise."""
    monkeypatch.setattr("ctxsize.engine.connect.FIRST_ANSWER_SECONDS", 2)
    monkeypatch.setattr("ctxsize.engine.connect.ANSWER_SECONDS", 2)
    monkeypatch.setattr("ctxsize.engine.buildkit.session.SILENCE_TIMEOUT", 2.0)
    monkeypatch.setattr("ctxsize.engine.buildkit.session.OPEN_TIMEOUT", 2.0)
    monkeypatch.setattr("ctxsize.engine.buildkit.control.loop.CLOSE_TIMEOUT", 0.5)
    monkeypatch.setattr("ctxsize.engine.buildkit.control.client.ANSWER_TIMEOUT", 2.0)
    monkeypatch.setattr("ctxsize.engine.buildkit.control.client.OPEN_TIMEOUT", 2.0)
    monkeypatch.setattr("ctxsize.engine.buildkit.engine.OPEN_TIMEOUT", 2.0)
    monkeypatch.setattr("ctxsize.engine.buildkit.fallback.OPEN_TIMEOUT", 1.0)
    monkeypatch.setattr("ctxsize.engine.buildkit.fallback.CANCEL_TIMEOUT", 0.5)
    monkeypatch.setattr("ctxsize.engine.builders.tarbuild.SILENCE_SECONDS", 1.0)
    monkeypatch.setattr("ctxsize.engine.builders.tarbuild.PING_SECONDS", 0.4)
    monkeypatch.setattr("ctxsize.engine.builders.tarbuild._GIVE_UP_SECONDS", 0.2)


@contextlib.contextmanager
def engine_of_ours(*, disk: int | None = None) -> Iterator[OwnEngine]:
    """An engine of our own; ``disk``: with no more room than a disk of so many bytes has."""
    if not can_start():
        pytest.skip("needs root and dockerd")
    # A socket's path may be 107 bytes long: not below pytest's own long folder names.
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    if disk is not None:
        (folder / "data").mkdir()
        with (folder / "disk").open("wb") as file:
            file.truncate(disk)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", folder / "disk"], check=True)
        subprocess.run(["mount", "-o", "loop", folder / "disk", folder / "data"], check=True)
    engine = OwnEngine(folder)
    try:
        yield engine
    finally:
        engine.stop()  # and what is mounted there
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def nothing_stays_on(engine: OwnEngine, *, restart: bool = False) -> Iterator[None]:
    """Afterwards the engine runs and, when whoever comes next has cleaned up, has nothing of ours.

    ``restart``: it may have to be started again for that. With a full disk BuildKit can't always note that it
    is done with a record, and holds on to it.
    """
    before = things(engine.api)
    yield
    with contextlib.suppress(ProcessLookupError):
        engine.thaw()
    if engine.daemon.process.poll() is not None:
        engine.start()
    for _ in range(10 if restart else 0):
        with contextlib.suppress(AssertionError):
            _cleaned(engine.api, before)
            return
        time.sleep(0.2)
    if restart:
        engine.stop(mounts=False)
        engine.start()
    wait_until("nothing left", lambda: _cleaned(engine.api, before))


@pytest.fixture(scope="session")
def _engine_of_ours() -> Iterator[OwnEngine]:
    """One for all tests that do harm to an engine, with a base image that was built from before: the first
    build from one leaves a record of its layers, whoever builds."""
    with engine_of_ours() as engine, tempfile.TemporaryDirectory() as folder:
        make_base(engine.api)
        Path(folder, "Dockerfile").write_text(f"FROM {BASE}\nCOPY . /\n")
        build_folder(engine.api, Path(folder))
        yield engine


@pytest.fixture
def own_engine(_engine_of_ours: OwnEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    """That engine, running, as the one to measure on; afterwards it runs and has nothing of ours."""
    monkeypatch.setenv("DOCKER_HOST", _engine_of_ours.host)
    with nothing_stays_on(_engine_of_ours):
        yield _engine_of_ours


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a disk of this machine on which no room is left."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    fill(folder)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    """Leave no room on the small disk at ``folder``."""
    with contextlib.suppress(OSError), (folder / "filler").open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
