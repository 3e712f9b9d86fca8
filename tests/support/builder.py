"""A builder of the docker-container driver: a container whose ``buildctl`` leads to an engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import docker

SHIM = Path(__file__).with_name("dial_stdio.py")


@contextlib.contextmanager
def container_builder(engine: docker.DockerClient, name: str, socket: str, image: str) -> Iterator[None]:
    """The container of the one node of the builder ``name``, on ``engine``; its BuildKit is that of the
    engine at ``socket``. ``image`` has Python."""
    made = engine.containers.run(
        image,
        ["infinity"],
        entrypoint="sleep",
        name=f"buildx_buildkit_{name}0",
        volumes={
            socket: {"bind": "/run/engine.sock", "mode": "rw"},
            str(SHIM): {"bind": "/usr/bin/buildctl", "mode": "ro"},
        },
        detach=True,
    )
    try:
        yield
    finally:
        with contextlib.suppress(docker.errors.NotFound):
            made.remove(force=True)
