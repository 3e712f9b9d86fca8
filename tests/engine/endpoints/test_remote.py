"""Builders at an address: the engine's own BuildKit behind a relay."""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ctxsize.engine.builders.choose import choose
from ctxsize.engine.builders.find import find_builder
from ctxsize.engine.buildkit import Control, Dial
from ctxsize.engine.endpoints import remote
from ctxsize.engine.endpoints.alone import OwnEngine
from ctxsize.engine.endpoints.store import Node
from ctxsize.errors import EngineError, UsageError
from tests.support.certificates import make_certificates
from tests.support.dial_stdio import Relay

SETTINGS = 4
"""The type of the frame that either side of HTTP/2 begins with."""


def answers(dial: Dial) -> bool:
    """Whether somebody speaks HTTP/2 there."""
    sock, early = dial()
    assert isinstance(sock, socket.socket)
    with sock:
        while len(early) < 9:
            assert select.select([sock], [], [], 20)[0], "it says nothing"
            piece = sock.recv(65536)
            assert piece, "it closed the connection"
            early += piece
    return early[3] == SETTINGS


@pytest.mark.docker
def test_a_socket(engine_socket: str, tmp_path: Path) -> None:
    with Relay(engine_socket, f"unix://{tmp_path}/b.sock") as relay:
        assert answers(remote.dial(Node("x0", relay.address)))


@pytest.mark.docker
def test_a_port(engine_socket: str) -> None:
    with Relay(engine_socket, "tcp://") as relay:
        assert answers(remote.dial(Node("x0", relay.address)))


@pytest.mark.docker
def test_tls_with_a_certificate_and_a_servername(engine_socket: str, tmp_path: Path) -> None:
    made = make_certificates(tmp_path, "DNS:builder")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made / "server.crt", made / "server.key")
    server.load_verify_locations(made / "ca.crt")
    server.verify_mode = ssl.CERT_REQUIRED
    server.set_alpn_protocols(["h2"])
    files = {"cacert": "ca.crt", "cert": "client.crt", "key": "client.key"}
    options = {name: str(made / file) for name, file in files.items()} | {"servername": "builder"}

    def without(*names: str) -> dict[str, str]:
        return {name: value for name, value in options.items() if name not in names}

    with Relay(engine_socket, "tcp://", server) as relay:
        with closing(Control(remote.dial(Node("x0", relay.address, options)))) as control:
            assert control.workers()
        for fewer, why in (
            (without("cert", "key"), "certificate required"),
            (without("servername"), "mismatch"),
            (without("cacert"), "self-signed certificate"),
        ):
            with pytest.raises(EngineError) as caught:
                remote.dial(Node("x0", relay.address, fewer))()
            assert str(caught.value).startswith(f"no BuildKit answers at {relay.address}: ")
            assert why in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("unix:///no/such.sock", "no BuildKit answers at unix:///no/such.sock: "),
        ("tcp://127.0.0.1:1", "no BuildKit answers at tcp://127.0.0.1:1: "),
        ("tcp://127.0.0.1", "lacks a host or a port"),
        ("tcp://:1234", "lacks a host or a port"),
        ("tcp://h:99999", "is no address of a builder"),
        ("npipe://x", "is no address of a builder"),
        ("nowhere", "is no address of a builder"),
        ("ssh://u:secret@h", "is no address of a builder"),
        ("kube-pod://a$b", "names no pod"),
        ("kube-pod://pod?namespace=--x=y/", "names no namespace"),
    ],
)
def test_an_address_that_leads_nowhere(address: str, why: str) -> None:
    with pytest.raises(EngineError) as caught:
        remote.dial(Node("x0", address))()

    assert why in str(caught.value) and "secret" not in str(caught.value).split("(")[0].replace(address, "")


@pytest.mark.docker
def test_ssh_and_a_pod_by_its_address(
    engine_socket: str, tmp_path: Path, kubectl: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_SOCKET", engine_socket)
    shim = Path("tests/support/dial_stdio.py").resolve()
    log = kubectl(f"exec {shim} dial-stdio")
    os.symlink(log.parent / "kubectl", log.parent / "ssh")

    assert answers(remote.dial(Node("x0", "ssh://me@build:2222/run/b.sock")))
    assert answers(remote.dial(Node("x0", "kube-pod://b-0?context=prod&namespace=ci&container=b")))
    assert log.read_text().splitlines() == [
        "-l me -p 2222 -- build buildctl --addr unix:///run/b.sock dial-stdio",
        "--context=prod --namespace=ci exec --stdin --container b b-0 -- buildctl dial-stdio",
    ]


def test_a_program_that_fails_is_quoted(kubectl: Callable[[str], Path]) -> None:
    kubectl('echo "about to fail" >&2; echo "error: \\033[31mpods \\"b-0\\" not found" >&2; exit 1')
    with pytest.raises(EngineError) as caught:
        remote.dial(Node("x0", "kube-pod://b-0"))()

    assert "the pod b-0 gives no connection: error: " in str(caught.value)
    assert 'pods "b-0" not found' in str(caught.value) and "\033" not in str(caught.value)


def test_a_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="kubectl, which is not on PATH"):
        remote.dial(Node("x0", "kube-pod://b-0"))()


@pytest.mark.docker
def test_a_builder_alone_says_what_it_is_and_has_no_classic_builder(engine_socket: str) -> None:
    with Relay(engine_socket, "tcp://") as relay:
        engine, choice = find_builder(relay.address)
        platform = engine.own_platform()
        engine.close()

    assert (choice.name, engine.info.builder, engine.info.driver) == ("buildkit", relay.address, "remote")
    assert platform.startswith("linux/") and engine.info.id.startswith("buildkit:")
    with pytest.raises(UsageError, match="has no classic builder"):
        choose(engine, "classic")


def test_without_an_engine_there_are_no_images_and_none_can_be_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    own = OwnEngine()

    assert own.images() == own.containers(all=True) == own.networks() == []
    with pytest.raises(EngineError, match=r"no Docker engine answers at unix:///no/such/docker.sock"):
        own.ping()
