from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.registry import PASSWORD, USER, Registry


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Docker configuration of the test's own, with no login."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture
def log_in(no_logins: Path) -> Callable[..., None]:
    """``log_in(host)`` stores a login for it."""

    def write(host: str, password: str = PASSWORD) -> None:
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        (no_logins / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))

    return write


@pytest.fixture
def new_registry() -> Iterator[Callable[..., Registry]]:
    """``new_registry(login="bearer")`` starts one."""
    started: list[Registry] = []

    def start(login: str = "") -> Registry:
        started.append(Registry(login))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def registry(new_registry: Callable[..., Registry]) -> Registry:
    """A registry that wants no login."""
    return new_registry()
