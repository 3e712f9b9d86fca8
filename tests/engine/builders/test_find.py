"""Which node of a builder is taken."""

from __future__ import annotations

import pytest

from ctxsize.engine.builders.find import node_for
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
