"""Which builder is meant: as `docker build` chooses (seen with its client 28.5)."""

from __future__ import annotations

import json

import pytest

from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.engine.endpoints.wanted import Wanted, known, wanted
from ctxsize.errors import EngineError
from tests.engine.endpoints.conftest import Configuration

HERE = "unix:///no/such/docker.sock"
CI = Instance("ci", "remote", (Node("ci0", "unix:///ci.sock", {}, ("linux/arm64",)),))


@pytest.fixture(autouse=True)
def engine_here(monkeypatch: pytest.MonkeyPatch, configuration: Configuration) -> None:
    """An engine in use, and a builder."""
    monkeypatch.setenv("DOCKER_HOST", HERE)
    configuration.create("ci", "remote", "unix:///ci.sock")


def test_a_builder_is_meant_by_its_name() -> None:
    assert wanted("ci") == wanted("CI") == Wanted("buildkit", CI)


@pytest.mark.parametrize("kind", ["buildkit", "classic"])
def test_kinds_of_builders_are_the_engines(
    kind: str, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "ci")

    assert wanted(kind) == Wanted(kind)


def test_auto_is_the_engine() -> None:
    assert wanted() == Wanted("auto")


def test_auto_is_what_buildx_builder_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "ci")

    assert wanted() == Wanted("buildkit", CI)


def test_auto_is_the_engine_whatever_buildx_uses_and_says_so(configuration: Configuration) -> None:
    configuration.use("ci", HERE)

    assert wanted() == Wanted(
        "auto", None, "`docker buildx build` would use ci: `--builder ci` measures that"
    )


def test_with_an_alias_for_the_builder_auto_is_what_buildx_uses(configuration: Configuration) -> None:
    configuration.say(aliases={"builder": "buildx"})
    configuration.use("ci", HERE)

    assert wanted() == Wanted("buildkit", CI)


def test_with_an_alias_and_no_builder_in_use_auto_is_the_engine(configuration: Configuration) -> None:
    configuration.say(aliases={"builder": "buildx"})

    assert wanted() == Wanted("auto")


@pytest.mark.parametrize("name", ["default", "here"])
def test_a_builder_that_is_the_engine_in_use_is_just_that(name: str, configuration: Configuration) -> None:
    configuration.create("here", "docker", "default")
    configuration.use("here", HERE)

    assert wanted(name) == Wanted("auto") == wanted()


def test_a_builder_of_several_nodes_is_not_just_the_engine_in_use(configuration: Configuration) -> None:
    configuration.create("team", "docker", "default")
    path = configuration.store / "instances" / "team"
    said = json.loads(path.read_text())
    said["Nodes"].append({"Name": "team1", "Endpoint": "unix:///no/other.sock"})
    path.write_text(json.dumps(said))
    found = wanted("team").instance

    assert found is not None and [node.name for node in found.nodes] == ["team0", "team1"]


def test_an_address_is_a_builder() -> None:
    node = Node("tcp://build:1234", "tcp://build:1234")

    assert wanted(node.endpoint) == Wanted("buildkit", Instance(node.name, "remote", (node,)))


@pytest.mark.parametrize("name", ["gone", "../x", "", "build:1234", "http://x"])
def test_a_builder_that_is_not_there_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match=r"there is no builder .*ctxsize builders"):
        wanted(name)


def test_an_unknown_driver_is_an_error(configuration: Configuration) -> None:
    configuration.create("odd", "cloud", "x")
    with pytest.raises(
        EngineError, match="the builder odd has the driver cloud, which ctxsize does not know"
    ):
        wanted("odd")


def test_all_builders_can_be_listed_even_where_one_is_broken(configuration: Configuration) -> None:
    (configuration.store / "instances" / "broken").write_text("{")
    found = known()

    assert [each.name if isinstance(each, Instance) else each[0] for each in found] == [
        "default",
        "broken",
        "ci",
    ]
