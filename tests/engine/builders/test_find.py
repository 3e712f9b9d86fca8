"""Which node of a builder is taken."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ctxsize.engine.builders.find import find_builder, node_for
from ctxsize.engine.endpoints.store import Instance, Node

AMD = ("linux/amd64",)
NODES = (Node("n0", "a", platforms=AMD), Node("n1", "b"), Node("n2", "c", platforms=AMD))


@pytest.mark.parametrize(
    ("platform", "taken"),
    [
        (None, ["n0", "n1", "n2", "n0"]),
        ("linux/amd64", ["n0", "n2", "n0", "n2"]),
        ("linux/s390x", ["n0", "n1", "n2", "n0"]),
    ],
)
def test_each_process_takes_the_next_node_that_fits(platform: str | None, taken: list[str]) -> None:
    instance = Instance("ci", "docker", NODES)
    assert [node_for(instance, platform, turn).name for turn in range(4)] == taken


@pytest.mark.docker
def test_which_of_several_nodes_builds_is_said(
    engine_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    instances = tmp_path / "instances"
    instances.mkdir()
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    nodes = [{"Name": f"n{number}", "Endpoint": engine_address} for number in range(2)]
    for name, some in (("team", nodes), ("one", nodes[1:])):
        described = {"Name": name, "Driver": "docker", "Nodes": some}
        (instances / name).write_text(json.dumps(described))
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")  # else the first is the engine in use

    said = []
    for name, turn in (("team", 0), ("team", 1), ("one", 0)):
        found, choice = find_builder(name, turn=turn)
        found.close()
        said.append(choice.other)
    assert said == [
        "of the 2 nodes of the builder team, n0 builds",
        "of the 2 nodes of the builder team, n1 builds",
        None,
    ]


@pytest.fixture
def engine_address(api: object) -> str:
    """Where the engine of these tests is."""
    return os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
