"""Finding the engine as the official client does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ctxsize.engine.connect import DEFAULT_HOST, connect, engine_address
from ctxsize.errors import EngineError


@pytest.fixture(autouse=True)
def configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Docker configuration of the test's own, and none of the user's settings."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def test_the_local_socket_is_the_default() -> None:
    assert engine_address() == DEFAULT_HOST


def test_docker_host_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    assert engine_address() == "tcp://127.0.0.1:1"


@pytest.mark.parametrize("host", ["unix:///no/such.sock", "tcp://127.0.0.1:1", "nonsense://x"])
def test_an_engine_that_does_not_answer_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError) as caught:
        connect()

    assert f"no Docker engine answers at {host}: " in str(caught.value)
    assert "point DOCKER_HOST or `docker context use`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_context_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, configuration: Path
) -> None:
    (configuration / "config.json").write_text(json.dumps({"currentContext": "gone"}))
    with pytest.raises(EngineError, match="there is no Docker context gone"):
        connect()


@pytest.mark.docker
def test_an_engine_that_answers_says_what_it_is() -> None:
    info = connect().info

    assert info.version and info.api and info.storage and info.id
    assert (info.remote, info.podman, info.buildkit) == (False, False, True)


class _Refusing(BaseHTTPRequestHandler):
    """A proxy that refuses with JSON of its own."""

    answer = b""

    def do_GET(self) -> None:
        known = {"/version": {"ApiVersion": "1.41"}, "/v1.41/version": {"ApiVersion": "1.41"}}.get(self.path)
        data = json.dumps(known).encode() if known else self.answer
        self.send_response(200 if known else 502)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"null", b'"no"', b'{"error": "no route"}', b"\xff"])
def test_an_error_that_is_not_the_engines_own_is_one_of_ours(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(_Refusing, "answer", answer)
    with HTTPServer(("127.0.0.1", 0), _Refusing) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{proxy.server_port}")
        with pytest.raises(EngineError, match="no Docker engine answers at"):
            connect()
        proxy.shutdown()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("tcp://host", "tcp://host:2375"),
        ("tcp://host/", "tcp://host:2375"),
        ("tcp://[::1]", "tcp://[::1]:2375"),
        ("tcp://host:99", "tcp://host:99"),
        ("unix:///a/b.sock", "unix:///a/b.sock"),
    ],
)
def test_the_port_that_the_official_client_takes(
    monkeypatch: pytest.MonkeyPatch, host: str, address: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)

    assert engine_address() == address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_asked_for_an_engine_on_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Go, and so the official client, never does."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = HTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{host}:{server.server_port}")
    monkeypatch.setattr(_Refusing, "answer", b'"blocked"')
    with pytest.raises(EngineError, match='"blocked"'):  # it was reached
        connect()
    server.shutdown()
    server.server_close()


def test_a_socket_that_may_not_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/docker.sock")
    with pytest.raises(EngineError) as caught:
        connect()

    assert str(caught.value).startswith(
        "unix:///run/docker.sock may not be used: Permission denied (join the group"
    )
