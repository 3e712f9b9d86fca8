"""What is known of a Podman before anything is built on it."""

from __future__ import annotations

import pytest

from ctxsize.engine.builders.podman import PodmanBuilder
from ctxsize.engine.clients import is_podman, is_too_old, storage_id


@pytest.mark.parametrize(
    ("version", "old"),
    [("3.4.4", True), ("4.2.1", True), ("4.3.1", False), ("4.10.0-dev", False), ("5.0", False)],
)
def test_what_filters_a_second_time_is_too_old(version: str, old: bool) -> None:
    assert is_too_old(version) is old


def test_it_is_told_by_its_components() -> None:
    assert is_podman({"Components": [{"Name": "Podman Engine"}]})
    assert not is_podman({"Components": [{"Name": "Engine"}]})
    assert not is_podman({})


def test_the_id_of_a_storage_is_not_that_of_the_answer() -> None:
    first = {"ID": "1", "Name": "host", "DockerRootDir": "/storage"}
    assert storage_id(first) == storage_id({**first, "ID": "2"})
    assert storage_id(first) != storage_id({**first, "DockerRootDir": "/other"})


@pytest.mark.parametrize(
    ("message", "again"),
    [
        # As Podman 4.3.1 says it while another program removes images.
        (
            "checking if cached image exists from a previous build: getting top layer info: layer not known",
            True,
        ),
        ("creating build container: localhost/none:1: image not known", False),
    ],
)
def test_a_build_that_came_across_a_removal_is_begun_again(message: str, again: bool) -> None:
    assert bool(PodmanBuilder._races.match(message)) is again
