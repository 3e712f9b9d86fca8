"""The ways to BuildKit in an engine, behind relays that let only some of them through; all build the same."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from ctxsize.engine.buildkit import Control, LocalDir, SolveRequest, SolveResult, build, connect
from ctxsize.engine.buildkit.fallback import Fallback
from ctxsize.engine.buildkit.session import Session
from tests.engine.buildkit.conftest import CACHE_NAME
from tests.engine.buildkit.contents import stored_bytes
from tests.engine.buildkit.docker_patterns import DockerPatterns
from tests.support import buildcache
from tests.support.waiting import wait_until

pytestmark = pytest.mark.docker

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\npage not found\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\n"
UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


class Relay:
    """Before an engine; what ``refused`` matches gets 404. ``native``: HTTP/2 from the first byte is taken,
    as engines will that have no upgrades any more. ``asked`` are the requests that came."""

    def __init__(self, upstream: str, path: Path, refused: str, *, native: bool = False) -> None:
        self.url = f"unix://{path}"
        self.asked: list[str] = []
        self._upstream = upstream.removeprefix("unix://")
        self._refused = refused
        self._native = native
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near, socket.socket(socket.AF_UNIX) as far:
            far.connect(self._upstream)
            first = near.recv(1 << 16)
            self.asked.append(first.split(b"\r\n")[0].decode())
            if first.startswith(PREFACE):
                if not self._native:
                    near.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    return
                far.sendall(UPGRADE)
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += far.recv(1)
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            piece = first
            while piece:
                if re.match(self._refused.encode(), piece):
                    near.sendall(NOT_FOUND)
                    return
                far.sendall(piece)
                piece = near.recv(1 << 16)
            far.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Relay]]:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("the engine is not on a Unix socket")
    made: list[Relay] = []

    def start(refused: str, *, native: bool = False) -> Relay:
        made.append(Relay(host, tmp_path_factory.mktemp("r") / "s", refused, native=native))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / ".dockerignore").write_text("ignored\n")
    (tmp_path / "ignored").write_bytes(bytes(100_000))
    (tmp_path / "kept").write_bytes(os.urandom(3_000_000))
    return tmp_path


def built(control: Control, folder: Path, **options: object) -> SolveResult:
    directory = LocalDir(folder, DockerPatterns)
    request = SolveRequest(**{"cache_name": CACHE_NAME, **options})  # type: ignore[arg-type]
    return build(control, request, context=directory, dockerfile=directory)


GRPC = r"POST \S*/grpc"
SESSION = r"POST \S*/session"
WAYS = {
    "as the official client": ("nothing", False, ["/grpc", "/session"]),
    "no session": (SESSION, False, ["/grpc", "/session"]),
    "no grpc": (GRPC, False, ["/grpc", "PRI", "/session", "/build"]),
    "native": (GRPC, True, ["/grpc", "PRI", "/session"]),
    "native alone": (f"{GRPC}|{SESSION}", True, ["/grpc", "PRI", "/session"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_builds_the_same(
    relayed: Callable[..., Relay], project: Path, new_tag: Callable[[], str], way: str
) -> None:
    refused, native, expected = WAYS[way]
    relay = relayed(refused, native=native)
    api = docker.APIClient(base_url=relay.url, version="1.41")
    with contextlib.closing(connect(api)) as control:
        result = built(control, project, tags=[new_tag()])
        records = {each.id: each.description for each in control.disk_usage()}
        ours = {each for each, said in records.items() if CACHE_NAME in said}

        assert stored_bytes(api, result.image_id) == 3_000_000 + 22 + 8
        assert result.sent_files == 3
        assert any("COPY . /" in vertex.name for vertex in result.vertices)
        assert len(ours) >= 3
        assert {each.id for each in control.disk_usage()} == records.keys()
        assert isinstance(control, Fallback) == (way == "no grpc")
    asked = " ".join(relay.asked)
    assert all(each in asked for each in expected), asked
    assert ("/build?" in asked) == ("/build" in expected)


def test_the_cache_is_the_same_by_either_way(
    api: docker.APIClient, project: Path, new_tag: Callable[[], str]
) -> None:
    name = f"ctxsize-{uuid.uuid4().hex[:8]}"
    with contextlib.closing(connect(api)) as control:
        built(control, project, tags=[new_tag()], cache_name=name)
        ours = {each.id: each for each in control.disk_usage() if name in each.description}
        listed = {each.id: each for each in buildcache.records(api) if each.id in ours}
        assert len(ours) == 3
        assert listed == ours
        assert control.prune([]) == set()
        assert control.prune(ours) == ours.keys()
        assert not ours.keys() & buildcache.record_ids(api)


def running(marker: str) -> bool:
    """Whether a process of the test's RUN step is there: the engine is on this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if marker.encode() in path.read_bytes():
                return True
    return False


@pytest.mark.parametrize("way", ["grpc", "fallback"])
def test_a_build_that_is_given_up_stops_at_once(
    api: docker.APIClient, base: str, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = str(10**6 + uuid.uuid4().int % 10**6)
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nRUN sleep {marker}\n")
    checked = 0

    def check(_session: Session) -> None:
        nonlocal checked
        checked += 1
        if running(marker):
            raise KeyboardInterrupt
        assert checked < 100, "the step never ran"

    monkeypatch.setattr(Session, "check", check)
    directory = LocalDir(tmp_path, DockerPatterns)
    request = SolveRequest(cache_name=CACHE_NAME, network="none")
    control = connect(api) if way == "grpc" else Fallback(api)
    with contextlib.closing(control), pytest.raises(KeyboardInterrupt):
        build(control, request, context=directory, dockerfile=directory)
    wait_until("the step's end", lambda: not running(marker))
