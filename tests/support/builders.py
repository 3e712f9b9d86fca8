"""Builders of every driver that real buildx made, all in front of one engine's BuildKit."""

from __future__ import annotations

import contextlib
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.support.builder import SHIM, container_builder
from tests.support.certificates import make_certificates
from tests.support.dial_stdio import Relay

ROOT = Path(__file__).resolve().parents[2]
#: What each builder is called, by how it is reached. That of the container must not be in anybody's way.
NAMES = ("unix", "tcp", "tls", CONTAINER := f"container-{os.getpid()}", "pod", "ssh")


@dataclass(frozen=True, slots=True)
class Builders:
    """``names`` are the builders, ``config`` is the Docker configuration that has them, ``socket`` the
    engine's whose BuildKit they all are. ``environment`` is what a client needs to reach them."""

    names: Sequence[str]
    config: Path
    socket: str
    client: Sequence[str]
    environment: Mapping[str, str]

    def official(self, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
        """Run the official client."""
        return subprocess.run(
            [*self.client, *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            errors="replace",
            **more,  # type: ignore[call-overload, unused-ignore]
        )


@contextlib.contextmanager
def make_builders(
    folder: Path, engine: docker.DockerClient, image: str, directory: Path, names: Sequence[str] = NAMES
) -> Iterator[Builders]:
    """Builders whose BuildKit is that of the engine of scripts/modern-engine in ``directory``, which has the
    client, too. The container is on ``engine``, made of ``image``, which has Python."""
    socket = str(directory / "run/modern/docker.sock")
    config, programs, keys = folder / "config", folder / "bin", folder / "keys"
    for each in (config, programs, keys):
        each.mkdir()
    for name in ("kubectl", "ssh"):
        program = programs / name
        program.write_text(f"#!/bin/sh\nexport ENGINE_SOCKET={socket}\nexec {SHIM} dial-stdio\n")
        program.chmod(0o755)
    here = str(engine.api.base_url).replace("http+docker://localhost", "unix:///var/run/docker.sock")
    here = os.environ.get("DOCKER_HOST", here)
    environment = {
        "CLIENT_CONFIG": str(config),
        "CLIENT_HOST": here,
        "DOCKER_HOST": here,
        "DOCKER_CONFIG": str(config),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }
    client = [str(ROOT / "scripts/modern-engine"), "client", str(directory)]
    made = Builders(names, config, socket, client, environment)
    with contextlib.ExitStack() as stack:
        for name in names:
            driver, words = "remote", []
            if name == "unix":
                words = [stack.enter_context(Relay(socket, f"unix://{folder}/b.sock")).address]
            elif name == "tcp":
                words = [stack.enter_context(Relay(socket, "tcp://")).address]
            elif name == "tls":
                relay = stack.enter_context(Relay(socket, "tcp://", server_side(make_certificates(keys))))
                options = {"cacert": "ca.crt", "cert": "client.crt", "key": "client.key"}
                told = [f"{option}={keys / file}" for option, file in options.items()]
                words = ["--driver-opt", ",".join([*told, "servername=builder"]), relay.address]
            elif name == "pod":
                words = ["kube-pod://buildkit-0"]
            elif name == "ssh":
                words = ["ssh://me@build:2222"]
            else:
                driver, words = "docker-container", [here]
                stack.enter_context(container_builder(engine, name, socket, image))
            done = made.official("buildx", "create", "--name", name, "--driver", driver, *words)
            assert done.returncode == 0, done.stderr
        yield made


def server_side(keys: Path) -> ssl.SSLContext:
    """TLS of a server that wants a certificate of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "server.crt", keys / "server.key")
    context.load_verify_locations(keys / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    return context
