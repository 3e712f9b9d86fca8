"""When the connection drops, the engine dies, goes silent or has no room left: a clear error, and no hang."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from ctxsize.engine.buildkit import (
    ConnectionLost,
    LocalDir,
    Sent,
    ServeError,
    SessionUnavailable,
    SolveError,
    SolveRequest,
    build,
    connect,
    session,
)
from tests.engine.buildkit.conftest import Build, build_folder
from tests.engine.buildkit.docker_patterns import DockerPatterns
from tests.support.daemon import Daemon
from tests.support.waiting import GIVE_UP_SECONDS, must_end

pytestmark = pytest.mark.docker


class Proxy:
    """Between client and engine; ``cut`` ends its connections, ``hold`` keeps them open and passes nothing
    on."""

    def __init__(self, upstream: str, path: Path) -> None:
        self.url = f"unix://{path}"
        self._upstream = upstream.removeprefix("unix://")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._holding = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._upstream)
                self._pairs.append((near, far))
                threading.Thread(target=self._pump, args=(near, far), daemon=True).start()

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ready.select():
                    while self._holding:
                        time.sleep(0.1)
                    data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                    if not data:
                        raise OSError
                    key.data.sendall(data)
        near.close()
        far.close()

    def cut(self) -> None:
        for near, far in self._pairs:
            for each in (near, far):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def hold(self) -> None:
        self._holding = True

    def close(self) -> None:
        self._holding = False
        self._listener.close()
        self.cut()


@pytest.fixture
def proxy(api: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy before the engine (which must be a Unix socket)."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("the engine is not on a Unix socket")
    made = Proxy(host, tmp_path_factory.mktemp("p") / "s")
    yield made
    made.close()


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A context large enough to be caught in the middle of its transfer."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for index in range(8):
        (tmp_path / f"file{index}").write_bytes(os.urandom(1 << 20) * 8)
    return tmp_path


def after(megabytes: int, then: Callable[[], None]) -> Callable[[Sent], None]:
    """A callback that calls ``then`` once, when so much was sent."""
    sent = 0

    def on_sent(write: Sent) -> None:
        nonlocal sent
        before, sent = sent, sent + sum(count for _, count in write.files)
        if before < megabytes << 20 <= sent:
            then()

    return on_sent


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is borne for longer than a test is: a lost connection must be seen as that."""
    monkeypatch.setattr(session, "SILENCE_TIMEOUT", 2.0 * GIVE_UP_SECONDS)


@pytest.mark.usefixtures("patient")
def test_the_connection_drops_in_mid_transfer(big: Path, proxy: Proxy) -> None:
    api = docker.APIClient(base_url=proxy.url)

    with must_end(), pytest.raises(ConnectionLost, match=r"build session|connection to BuildKit broke"):
        build_folder(api, big, on_sent=after(8, proxy.cut))


def test_the_engine_goes_silent(big: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SILENCE_TIMEOUT", 3.0)
    api = docker.APIClient(base_url=proxy.url)

    with must_end(), pytest.raises(ConnectionLost, match="nothing heard from the engine for"):
        build_folder(api, big, on_sent=after(8, proxy.hold))


def test_a_long_silent_step_is_not_a_lost_connection(
    build_here: Build, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SILENCE_TIMEOUT", 3.0)
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nRUN sleep 5\n")
    assert build_here(no_cache=True, network="none").image_id


@pytest.mark.usefixtures("patient")
def test_the_engine_is_killed(big: Path, daemon: Callable[..., Daemon]) -> None:
    own = daemon()
    api = own.wait(docker.APIClient(base_url=own.host, version="1.41"))

    with must_end(), pytest.raises(ConnectionLost):
        build_folder(api, big, on_sent=after(8, own.kill))


def test_no_room_left_on_the_engines_disk(big: Path, daemon: Callable[..., Daemon]) -> None:
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    (folder / "data").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder / "data"], check=True)
    try:
        own = daemon(folder)
        api = own.wait(docker.APIClient(base_url=own.host, version="1.41"))
        with pytest.raises(SolveError, match="no space left on device"):
            build_folder(api, big)
        api.ping()
    finally:
        own.stop()
        subprocess.run(["umount", "-l", folder / "data"], check=False)


def test_no_engine_at_all(big: Path) -> None:
    api = docker.APIClient(base_url="unix:///nowhere/docker.sock", version="1.41")
    with pytest.raises(ConnectionLost, match="can't be reached"):
        build_folder(api, big)


def test_an_engine_without_sessions(
    api: docker.APIClient, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_url", lambda path, *args: f"{api.base_url}/v{api.api_version}/none{path}")
    with pytest.raises(SessionUnavailable, match="404"):
        build_folder(api, big)


def test_names_that_are_not_utf8(build_here: Build, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).touch()
    with pytest.raises(ServeError, match=r"caf\\xe9.*not UTF-8"):
        build_here()


def test_what_a_served_directory_raises_reaches_the_caller(api: docker.APIClient, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")

    def boom(path: str) -> None:
        raise KeyError("from the directory")

    directory = LocalDir(tmp_path, DockerPatterns)
    directory.open = boom  # type: ignore[assignment, method-assign]
    with (
        contextlib.closing(connect(api)) as control,
        pytest.raises(KeyError, match="from the directory"),
    ):
        build(control, SolveRequest(), context=directory, dockerfile=directory)


def test_a_failing_step_has_its_name_and_last_output(build_here: Build, base: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nRUN echo the reason && false\n")
    with pytest.raises(SolveError) as caught:
        build_here(network="none")
    assert caught.value.step == "[2/2] RUN echo the reason && false"
    assert "the reason" in caught.value.log


def test_a_broken_dockerfile(build_here: Build, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nNONSENSE\n")
    with pytest.raises(SolveError, match="unknown instruction"):
        build_here()


def test_a_file_that_shrinks_and_one_that_vanishes_while_they_are_sent(build_here: Build, big: Path) -> None:
    (big / "zz-gone").write_text("gone by then")

    def change() -> None:
        (big / "zz-gone").unlink()
        os.truncate(big / "file7", 1000)

    result = build_here(on_sent=after(1, change), no_cache=True)
    (context,) = (t for t in result.context if t.entries > 2)
    assert context.resized == {"file7": 1000, "zz-gone": 0}
    assert context.unopened == ["zz-gone"]


def test_nothing_of_ours_runs_on_after_a_build(build_here: Build, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    others = {*threading.enumerate()}
    build_here()
    for thread in {*threading.enumerate()} - others:
        if thread.name.startswith("buildkit-"):
            thread.join(GIVE_UP_SECONDS)
            assert not thread.is_alive(), thread.name
