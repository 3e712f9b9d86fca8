"""Builders of every driver in front of a BuildKit that exports images (`make builders`).

CTXSIZE_BUILDERS_ENGINE is the directory of an engine of scripts/modern-engine with the containerd store.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from tests.support.builders import NAMES, Builders, make_builders


@pytest.fixture(scope="session")
def builders(
    engine: docker.DockerClient, base_image: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Builders]:
    """A builder for each of NAMES."""
    directory = Path(os.environ["CTXSIZE_BUILDERS_ENGINE"])
    image = base_image("python:3.12-slim")
    with make_builders(tmp_path_factory.mktemp("builders"), engine, image, directory, NAMES) as made:
        yield made


@pytest.fixture
def use_builders(builders: Builders, monkeypatch: pytest.MonkeyPatch) -> Builders:
    """``builders`` for this process, too."""
    for name, value in builders.environment.items():
        monkeypatch.setenv(name, value)
    return builders


@pytest.fixture(scope="session")
def their_engine(builders: Builders) -> Iterator[docker.DockerClient]:
    """The engine whose BuildKit the builders are."""
    with contextlib.closing(docker.DockerClient(f"unix://{builders.socket}", timeout=300)) as client:
        yield client
