"""The builders of buildx, as it has written them down or as somebody else has."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ctxsize.engine.endpoints import store
from ctxsize.engine.endpoints.store import Node
from ctxsize.errors import ConfigError
from tests.engine.endpoints.conftest import Configuration

HERE = "unix:///var/run/docker.sock"


def test_a_builder_is_read_as_buildx_wrote_it(configuration: Configuration) -> None:
    configuration.create("CI", "remote", "tcp://build:1234", servername="b", cacert="/c")
    found = store.find("ci")

    assert found is not None and (found.name, found.driver) == ("CI", "remote")
    assert found.nodes == (
        Node("CI0", "tcp://build:1234", {"servername": "b", "cacert": "/c"}, ("linux/arm64/v8",)),
    )
    assert list(store.names()) == ["ci"]


def test_buildx_config_is_another_folder(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration.create("a", "remote", "unix:///x")
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "elsewhere"))

    assert store.find("a") is None and list(store.names()) == []


@pytest.mark.parametrize("name", ["../config.json", "a/b", "", ".a", "0a", "a\n", "ä", "a" * 300, "gone"])
def test_what_is_no_builders_name_is_not_looked_for(configuration: Configuration, name: str) -> None:
    configuration.say()

    assert store.find(name) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "7",
        '{"Name": "a"}',
        '{"Name": "a", "Driver": 1, "Nodes": [{"Name": "a0", "Endpoint": "x"}]}',
        '{"Name": "a", "Driver": "remote", "Nodes": []}',
        '{"Name": "a", "Driver": "remote", "Nodes": {"x": 1}}',
        '{"Name": "a", "Driver": "remote", "Nodes": [{"Name": "a0"}]}',
        '{"Name": "../a", "Driver": "remote", "Nodes": [{"Name": "a0", "Endpoint": "x"}]}',
        '{"Name": "a", "Driver": "remote", "Nodes": [{"Name": "a0", "Endpoint": "x", "DriverOpts": [1]}]}',
        '{"Name": "a", "Driver": "remote", "Nodes": [{"Name": "a0", "Endpoint": "x", "Platforms": [1]}]}',
        "[" * 100_000,
    ],
)
def test_a_file_that_buildx_has_not_written_is_named(configuration: Configuration, content: str) -> None:
    path = configuration.store / "instances" / "a"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        store.find("a")

    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_pipe_in_the_store_is_not_waited_for(configuration: Configuration) -> None:
    os.mkfifo(configuration.store / "instances" / "a")
    with pytest.raises(ConfigError, match="not a file"):
        store.find("a")


def test_the_current_builder_is_that_of_the_endpoint(configuration: Configuration) -> None:
    configuration.create("a", "remote", "unix:///x")
    configuration.use("a", HERE)

    assert store.current(HERE) == "a"
    assert store.current("tcp://other:2375") is None


def test_a_builder_that_is_used_globally_is_current_everywhere(configuration: Configuration) -> None:
    configuration.create("a", "remote", "unix:///x")
    configuration.use("a", HERE, everywhere=True)

    assert store.current("tcp://other:2375") == "a"


def test_the_default_of_an_endpoint_is_current_when_another_one_was_used_last(
    configuration: Configuration,
) -> None:
    configuration.create("a", "remote", "unix:///x")
    configuration.use("a", "tcp://other:2375")
    digits = hashlib.sha256(HERE.encode()).hexdigest()[:20]
    (configuration.store / "defaults" / digits).write_text("a")

    assert store.current(HERE) == "a"


def test_a_current_builder_that_is_gone_is_none(configuration: Configuration) -> None:
    configuration.use("gone", HERE)

    assert store.current(HERE) is None


def test_nothing_is_written(configuration: Configuration) -> None:
    configuration.create("a", "remote", "unix:///x")
    configuration.use("gone", HERE)
    before = sorted((each, each.stat().st_mtime_ns) for each in configuration.store.rglob("*"))
    store.current(HERE)
    store.find("a")
    list(store.names())

    assert sorted((each, each.stat().st_mtime_ns) for each in configuration.store.rglob("*")) == before
