"""A real BuildKit that exports: what is read of it is what the engine around it has, and no image stays."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ctxsize.comparison.compare import compare
from ctxsize.comparison.types import Comparison
from ctxsize.engine.builders.buildkit import SessionMatcher
from ctxsize.engine.buildkit import LocalDir, SolveRequest, build
from ctxsize.engine.connect import Engine, connect
from ctxsize.engine.exported import ExportedImages
from ctxsize.engine.options import BuildOptions
from ctxsize.image.archive import open_archive
from tests.support.dial_stdio import Relay
from tests.support.opening import open_images

pytestmark = pytest.mark.reference
#: Everything is from the context, so that no base image is needed; what no builder has seen is written first.
NAME = "docker.io/ctxsize-test/exports:latest"
DOCKERFILE = "FROM scratch AS one\nCOPY . /one\nFROM scratch\nCOPY --from=one /one/keep /\nCOPY . /src\n"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("DOCKER_HOST", _host())
    found = connect()
    yield found
    found.close()


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[str]:
    with Relay(_host(), f"unix://{tmp_path}/buildkit.sock") as relay:
        yield relay.address


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, size in (("keep/a", 100_000), ("keep/b", 7), ("cache/c", 300_000)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    (root / "keep" / "link").symlink_to("a")
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / ".dockerignore").write_text("cache\n.dockerignore\nDockerfile\n")
    return root


def sizes(found: Comparison) -> dict[str, tuple[int | None, int | None]]:
    """Bytes and pull bytes of the images, and of each path; a layer's times differ, and so what it takes
    compressed by a few bytes."""
    images = {name: each.image for name, each in found.variants.items()}
    return {
        **{name: (each.bytes, each.pull_bytes) for name, each in images.items() if each is not None},
        **{each.path: (each.image_bytes, each.pull_bytes) for each in found.paths},
    }


def test_an_exported_image_is_the_one_that_the_engine_has(
    engine: Engine, builder: str, project: Path
) -> None:
    records = {each.id for each in engine.control.disk_usage()}
    options = BuildOptions(labels={"ctxsize-test": project.parent.name})
    there = sizes(compare(project, options=options, repeat=1).comparison)
    here = compare(project, options=options, builder=builder, repeat=1).comparison

    assert {name: size for name, (size, _) in sizes(here).items()} == {
        name: size for name, (size, _) in there.items()
    }
    assert {name: pull for name, (_, pull) in sizes(here).items()} == pytest.approx(
        {name: pull for name, (_, pull) in there.items()}, abs=30
    )
    assert {"with", "without", "cache"} <= there.keys()
    assert here.variants["with"].image.engine_bytes is None
    assert not engine.api.images(all=True, filters={"label": f"ctxsize-test={project.parent.name}"})
    left = {each.id: each.description for each in engine.control.disk_usage() if each.id not in records}
    assert not {name for name in left.values() if "/one/keep" in name}


def test_a_context_that_changes_meanwhile_is_an_error_and_no_figure(
    builder: str, project: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    read_into = ExportedImages.read_into

    def changing(self: ExportedImages, *arguments: Any) -> None:
        (project / "keep/a").write_bytes(b"another")
        read_into(self, *arguments)

    monkeypatch.setattr(ExportedImages, "read_into", changing)
    found = compare(project, builder=builder, repeat=1)
    assert found.comparison.variants["with"].image is None
    assert "ran again" in str(found.failures["with"])


@pytest.mark.parametrize("compression", ["zstd", "gzip", "uncompressed"])
def test_layers_are_as_large_as_their_manifest_says(
    engine: Engine, project: Path, tmp_path: Path, compression: str
) -> None:
    """Of any compression: what the engine compressed, in its store, as an archive and as a layout."""
    attributes = {"compression": compression, "force-compression": "true"}
    archive = tmp_path / "image.tar"
    with open(archive, "wb") as file:
        _solve(engine, project, "oci", attributes, file.writelines)
    with open_archive(archive) as reader:
        (image,) = reader.images.values()
        pulls = {layer.diff_id: layer.pull_bytes for layer in image.layers}
    assert image.bytes == 2 * (100_007 + len("a")) + 300_000 + len(DOCKERFILE)
    if compression != "uncompressed":
        assert sum(pulls.values()) == sum(_stored(archive))

    image_id = _solve(engine, project, "image", {**attributes, "name": NAME}, None)
    try:
        with open_images(engine.api, [image_id]) as saved:
            assert saved.images[image_id].bytes == image.bytes
            assert saved.images[image_id].pull_bytes == sum(pulls.values())
    finally:
        engine.api.remove_image(NAME)


def _solve(
    engine: Engine,
    project: Path,
    exporter: str,
    attributes: dict[str, str],
    take: Callable[[Iterator[bytes]], object] | None,
) -> str:
    tree = LocalDir(project, SessionMatcher, hidden=frozenset({".dockerignore"}))
    request = SolveRequest(exporter=exporter, exporter_attributes=attributes, cache_name="ctxsize-tests")
    return build(engine.control, request, context=tree, dockerfile=tree, take=take).image_id


def _stored(archive: Path) -> list[int]:
    """The sizes of layers that the manifest in an archive of one image gives."""
    import tarfile

    with tarfile.open(archive) as tar:

        def document(name: str) -> Any:
            file = tar.extractfile(name)
            assert file is not None
            return json.load(file)

        digest = document("index.json")["manifests"][0]["digest"]
        manifest = document(f"blobs/{digest.replace(':', '/')}")
    return [layer["size"] for layer in manifest["layers"]]


def _host() -> str:
    return f"unix://{os.environ['CTXSIZE_BUILDERS_ENGINE']}/run/modern/docker.sock"
