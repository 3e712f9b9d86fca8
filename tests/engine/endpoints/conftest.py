"""A Docker configuration of the test's own, and real BuildKits at other addresses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

VARIABLES = (
    "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "BUILDX_CONFIG", "BUILDX_BUILDER",
    "BUILDKIT_HOST",
)  # fmt: skip


class Configuration:
    """The folder of a Docker configuration, with what buildx writes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "buildx"
        for name in ("instances", "defaults"):
            (self.store / name).mkdir(parents=True)

    def say(self, **fields: Any) -> None:
        """Write config.json."""
        (self.folder / "config.json").write_text(json.dumps(fields))

    def create(self, name: str, driver: str, endpoint: str, **options: str) -> None:
        """What `docker buildx create` writes of a builder with one node."""
        node = {
            "Name": f"{name}0",
            "Endpoint": endpoint,
            "Platforms": [{"architecture": "arm64", "os": "linux", "variant": "v8"}],
            "DriverOpts": options or None,
            "Flags": None,
            "Files": None,
        }
        said = {"Name": name, "Driver": driver, "Nodes": [node], "Dynamic": False}
        (self.store / "instances" / name.lower()).write_text(json.dumps(said))

    def use(self, name: str, key: str, *, everywhere: bool = False) -> None:
        """What `docker buildx use` writes."""
        said = {"Key": key, "Name": name, "Global": everywhere}
        (self.store / "current").write_text(json.dumps(said))


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Configuration:
    """None of the user's settings; DOCKER_HOST stays."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return Configuration(tmp_path / "docker")


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """``kubectl(SCRIPT)`` puts a program of that name on PATH; it logs its arguments, a line each, in the
    file that is returned."""

    def put(script: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        log = folder / "log"
        program = folder / "kubectl"
        program.write_text(f'#!/bin/sh\necho "$*" >>{log}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return log

    return put


@pytest.fixture
def engine_socket(api: docker.APIClient) -> str:
    """The path of the engine's socket."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("the engine is not on this machine")
    return host.removeprefix("unix://")
