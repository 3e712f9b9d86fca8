"""Builders in a container of an engine: its ``buildctl`` is a stand-in that leads to the engine itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner

from ctxsize.cli import main
from ctxsize.engine.connect import connect
from ctxsize.engine.endpoints import container
from ctxsize.engine.endpoints.reach import reach
from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.errors import EngineError
from tests.engine.endpoints.conftest import Configuration
from tests.engine.endpoints.test_remote import answers
from tests.support.builder import container_builder

pytestmark = pytest.mark.docker


@pytest.fixture
def builder(engine: docker.DockerClient, engine_socket: str, base_image: object) -> Iterator[Instance]:
    name = f"ctxsize-test-{os.getpid()}"
    with container_builder(engine, name, engine_socket, base_image("python:3.12-slim")):  # type: ignore[operator]
        yield Instance(name, "docker-container", (Node(f"{name}0", f"unix://{engine_socket}"),))


def test_a_builder_that_runs_is_reached_and_one_that_does_not_is_an_error(
    engine: docker.DockerClient, builder: Instance
) -> None:
    (node,) = builder.nodes
    name = container.PREFIX + node.name

    assert answers(reach(builder, node).dial)

    found = engine.containers.get(name)
    found.pause()
    with pytest.raises(
        EngineError, match=f"the builder {builder.name} is stopped: its container {name} does"
    ):
        reach(builder, node)
    found.unpause()
    found.kill()
    with pytest.raises(EngineError, match=r"is stopped: .*docker buildx inspect --bootstrap"):
        reach(builder, node)
    found.remove()
    with pytest.raises(EngineError, match=f"is gone: there is no container {name} at unix:///"):
        reach(builder, node)


def test_a_comparison_there_removes_what_it_made(
    api: docker.APIClient,
    builder: Instance,
    base_image: Callable[[str], str],
    configuration: Configuration,
    tmp_path: Path,
) -> None:
    """This engine's BuildKit can't export images: all else is measured, and that is said."""
    (node,) = builder.nodes
    configuration.create(builder.name, builder.driver, node.endpoint)
    (tmp_path / "Dockerfile").write_text(f"FROM {base_image('busybox:1.36')}\nCOPY . /src\nRUN true\n")
    (tmp_path / ".dockerignore").write_text("docker\n")
    with closing(connect().control) as control:
        before = {record.id for record in control.disk_usage()}
        words = ["compare", "--repeat", "1", "--format", "json", "--builder", builder.name, str(tmp_path)]
        result = CliRunner().invoke(main, words)
        left = {record.id for record in control.disk_usage()} - before

    if "containerd" not in connect().info.storage:
        assert result.exit_code == 4
        assert "the builder does not give the image out: " in result.stderr
    found = json.loads(result.stdout)
    assert (found["engine"]["instance"], found["engine"]["driver"]) == (builder.name, "docker-container")
    assert all(found["variants"][name]["build"]["seconds"] for name in ("with", "without"))
    assert left == set()


def test_a_container_without_buildctl_is_told_of(
    engine: docker.DockerClient, base_image: object, tmp_path: Path
) -> None:
    image = base_image("python:3.12-slim")  # type: ignore[operator]
    made = engine.containers.run(image, ["infinity"], entrypoint="sleep", detach=True)
    try:
        with pytest.raises(EngineError, match="buildctl"):
            container.dial(connect(), made.name)()
    finally:
        made.remove(force=True)
