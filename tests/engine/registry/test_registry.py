"""Images in a registry: which one is meant, what is fetched of it, with which login, for which platform."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ctxsize.engine.registry.client import Registry as Client
from ctxsize.engine.registry.images import RemoteImage, describe, read_layers
from ctxsize.engine.registry.reference import parse_reference
from ctxsize.errors import EngineError, UsageError
from ctxsize.image.reader import ImageReader
from tests.support import saved_images
from tests.support.registry import PASSWORD, TOKEN, Answer, Registry


def layer(**files: int) -> bytes:
    return gzip.compress(saved_images.layer({name: b"x" * size for name, size in files.items()}), mtime=0)


def look(name: str, platform: str | None = None) -> RemoteImage:
    reference = parse_reference(name)
    with Client(reference) as client:
        return describe(client, reference, platform)


@pytest.mark.parametrize(
    ("text", "host", "name", "version"),
    [
        ("registry://localhost:5000/a/b:c", "localhost:5000", "a/b", "c"),
        ("registry://localhost/a", "localhost", "a", "latest"),
        ("registry://ghcr.io/a/b", "ghcr.io", "a/b", "latest"),
        ("registry://python:3", "registry-1.docker.io", "library/python", "3"),
        ("registry://docker.io/python", "registry-1.docker.io", "library/python", "latest"),
        ("registry://me/app", "registry-1.docker.io", "me/app", "latest"),
        (f"registry://h:1/a:t@sha256:{'0' * 64}", "h:1", "a", f"sha256:{'0' * 64}"),
    ],
)
def test_which_image_is_meant(text: str, host: str, name: str, version: str) -> None:
    found = parse_reference(text)
    assert (found.host, found.name, found.version) == (host, name, version)


@pytest.mark.parametrize(
    "text",
    ["registry://", "registry://me:pw@host/a", "registry://h:1/../x", "registry://h:1/a?b", "registry://h/A"],
)
def test_what_names_no_image_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert "pw" not in str(caught.value)


def test_sizes_come_from_the_manifest_alone(registry: Registry) -> None:
    low, high = layer(a=1000), layer(b=20, c=3)
    registry.image(low, high, low, steps=[{"created_by": "A"}, {"created_by": "E", "empty_layer": True},
                                          {"created_by": "B"}, {"created_by": "C"}])  # fmt: skip
    image = look(registry.name())
    assert image.pull_bytes == len(low) + len(high)
    assert [each.bytes for each in image.manifest.layers] == [len(low), len(high), len(low)]
    assert image.config.history == (("A", True), ("E", False), ("B", True), ("C", True))
    kinds = [path.split("/")[4] for path, _ in registry.asked]
    assert kinds == ["manifests", "blobs"]  # no layer


def test_layers_are_streamed_when_files_are_asked_for(registry: Registry) -> None:
    low, high = layer(a=1000), layer(b=20, c=3)
    registry.image(low, high, low)
    reference = parse_reference(registry.name())
    with (
        Client(reference) as client,
        read_layers(client, image := describe(client, reference), ImageReader) as reader,
    ):
        read = reader.images[image.id]
        assert [each.bytes for each in read.layers] == [1000, 23, 1000]
        assert read.pull_bytes == image.pull_bytes
        assert dict(reader.listing(read)) == {"a": 2000, "b": 20, "c": 3}
    assert (
        len([path for path, _ in registry.asked if "/blobs/" in path]) == 3
    )  # the configuration, two layers


def test_by_digest(registry: Registry) -> None:
    digest = registry.image(layer(a=1))["digest"]
    assert look(f"registry://{registry.host}/a/b@{digest}").digest == digest


@pytest.mark.parametrize(("login", "sent"), [("basic", "Basic "), ("bearer", f"Bearer {TOKEN}")])
def test_a_login_of_the_docker_configuration(
    new_registry: Callable[..., Registry], log_in: Callable[..., None], login: str, sent: str
) -> None:
    registry = new_registry(login)
    registry.image(layer(a=1))
    log_in(registry.host)
    assert look(registry.name()).manifest.layers
    assert (registry.asked[-1][1] or "").startswith(sent)


def test_a_login_of_a_credential_helper(
    new_registry: Callable[..., Registry], no_logins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = new_registry("basic")
    registry.image(layer(a=1))
    helper = tmp_path / "docker-credential-tests"
    stored = json.dumps({"Username": "tester", "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{stored}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (no_logins / "config.json").write_text(json.dumps({"credHelpers": {registry.host: "tests"}}))
    assert look(registry.name()).manifest.layers


@pytest.mark.parametrize("login", ["basic", "bearer"])
@pytest.mark.parametrize("password", [None, "wrong"])
def test_without_the_right_login(
    new_registry: Callable[..., Registry], log_in: Callable[..., None], login: str, password: str | None
) -> None:
    registry = new_registry(login)
    registry.image(layer(a=1))
    if password:
        log_in(registry.host, password)
    with pytest.raises(UsageError, match="docker login") as caught:
        look(registry.name())
    assert "wrong" not in str(caught.value)


def test_an_index_by_platform(registry: Registry) -> None:
    images = {arch: registry.image(layer(**{arch: 1}), tag=None, arch=arch) for arch in ("amd64", "arm64")}
    registry.index(**images)
    assert look(registry.name(), "linux/arm64").digest == images["arm64"]["digest"]
    assert look(registry.name(), "aarch64").digest == images["arm64"]["digest"]
    with pytest.raises(UsageError, match=r"no image for linux/s390x.*linux/amd64, linux/arm64"):
        look(registry.name(), "s390x")


def test_an_image_of_another_platform_than_asked_for(registry: Registry) -> None:
    registry.image(layer(a=1), arch="arm64")
    assert look(registry.name()).config.platform == "linux/arm64"
    with pytest.raises(UsageError, match=r"it is for linux/arm64, not for linux/amd64"):
        look(registry.name(), "linux/amd64")


def test_a_blob_may_be_elsewhere_and_the_login_stays_here(
    new_registry: Callable[..., Registry], log_in: Callable[..., None]
) -> None:
    registry, store = new_registry("basic"), new_registry()
    store.image(layer(a=1))
    registry.image(layer(a=1))
    for digest, data in registry.blobs.items():
        store.blobs[digest] = data
        there = f"http://{store.host}/v2/a/b/blobs/{digest}"
        registry.lies[f"blobs/{digest}"] = Answer(307, b"", {"Location": there})
    log_in(registry.host)
    assert look(registry.name()).manifest.layers
    assert [login for _, login in store.asked] == [None]


@pytest.mark.parametrize(("path", "message"), [("manifests/latest", "registry has no such image")])
def test_no_such_image(registry: Registry, path: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        look(registry.name())


def test_nobody_answers() -> None:
    gone = Registry()
    gone.close()
    with pytest.raises(EngineError, match="no answer of a registry"):
        look(gone.name())


def test_no_configuration_is_asked_for_twice(registry: Registry) -> None:
    data = layer(a=5)
    registry.image(data)
    assert look(registry.name()).config.diff_ids == (f"sha256:{hashlib.sha256(data).hexdigest()}",)
