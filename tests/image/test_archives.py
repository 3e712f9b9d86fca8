"""Saved images: OCI layouts as directories and tars, several images in one file, and files that are none."""

from __future__ import annotations

import gzip
import hashlib
import json
from itertools import chain, repeat
from pathlib import Path

import pytest

from ctxsize.errors import UsageError
from ctxsize.image import pullsizes
from ctxsize.image.archive import open_archive, read_archive
from ctxsize.image.reader import ImageReader
from tests.support.layout import Layout, gzipped, layer
from tests.support.zstd import zstd


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "oci")


def read(path: Path, name: str | None = None, platform: str | None = None) -> tuple[int, int]:
    with read_archive(path, name, ImageReader, platform) as reader:
        (image,) = reader.images.values()
        return image.bytes, image.pull_bytes


@pytest.mark.parametrize("packed", [True, False])
def test_a_layout_as_a_directory_and_as_a_tar(layout: Layout, packed: bool) -> None:
    layers = layer(a=1000, b=20), layer(c=3)
    layout.index(layout.image(*layers, packed=packed))
    size, pull = read(layout.root)
    assert size == 1023
    stored = sum(len(gzip.compress(each, mtime=0)) for each in layers)
    assert pull == stored if packed else abs(pull - stored) < 100
    assert read(layout.tar()) == (size, pull)


def test_layers_of_any_compression_in_one_image(layout: Layout) -> None:
    """Sizes are those that are stored; only a layer that is not compressed is compressed to learn its."""
    contents = layer(a=1000, b=20), layer(c=3), layer(d=50_000), layer(e=7)
    packs = chain((gzipped, zstd.compress, bytes), repeat(zstd.compress))
    layout.index(layout.image(*contents, pack=lambda data: next(packs)(data)))
    with open_archive(layout.root) as reader:
        (image,) = reader.images.values()
        sizes = [each.bytes for each in image.layers]
        pulls = [each.pull_bytes for each in image.layers]
    assert sizes == [1020, 3, 50_000, 7]
    assert pulls[0] == len(gzipped(contents[0]))
    assert (pulls[1], pulls[3]) == (len(zstd.compress(contents[1])), len(zstd.compress(contents[3])))
    assert 0 < pulls[2] < 1000
    packed = layout.root.with_suffix(".tar.zst")
    packed.write_bytes(zstd.compress(layout.tar().read_bytes()))
    assert read(packed) == (51_030, sum(pulls))


def test_a_size_remembered_for_a_layer_of_an_engine_does_not_count(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = layer(a=1000)
    layout.index(layout.image(content, packed=False))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pullsizes.remember({f"blobs/sha256/{hashlib.sha256(content).hexdigest()}": 1})
    assert read(layout.root)[1] > 1


def test_an_index_of_platforms_with_what_is_said_of_them(layout: Layout) -> None:
    image = layout.image(layer(a=7))
    said = {
        **layout.document({"layers": []}),
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    not_saved = {"digest": "sha256:" + "0" * 64, "size": 1}
    layout.index(layout.document({"manifests": [image, said, not_saved]}))
    assert read(layout.root)[0] == 7


def test_the_platforms_of_an_image_that_docker_saved(layout: Layout) -> None:
    """With the containerd store manifest.json names the engine's own, and the index leads to all."""
    arm, amd = (layout.image(layer(f=size), arch=arch) for size, arch in ((900, "arm64"), (300, "amd64")))
    layout.index(**{"docker.io/a/b:1": layout.document({"manifests": [arm, amd]})})
    manifest = json.loads((layout.root / "blobs" / str(amd["digest"]).replace(":", "/")).read_text())
    record = {
        "Config": "blobs/" + manifest["config"]["digest"].replace(":", "/"),
        "RepoTags": ["a/b:1"],
        "Layers": ["blobs/" + each["digest"].replace(":", "/") for each in manifest["layers"]],
    }
    (layout.root / "manifest.json").write_text(json.dumps([record]))
    for path in (layout.root, layout.tar()):
        for name in (None, "a/b:1"):
            sizes = [
                read(path, name, platform)[0] for platform in ("linux/arm64", "linux/amd64", "linux/amd64/v2")
            ]
            assert sizes == [900, 300, 300]
    with pytest.raises(UsageError) as error:
        read(layout.root, None, "s390x")
    assert str(error.value) == (
        f"{layout.root}: there is no image for linux/s390x in it (--platform takes: linux/amd64, linux/arm64)"
    )


def test_the_platform_of_the_environment(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    arm, ppc = (layout.image(layer(f=size), arch=arch) for size, arch in ((900, "arm64"), (300, "ppc64le")))
    layout.index(arm, ppc)
    with pytest.raises(UsageError, match="--platform takes: linux/arm64, linux/ppc64le"):
        read(layout.root, None, "linux/amd64")
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/ppc64le")
    assert (read(layout.root)[0], read(layout.root, None, "aarch64")[0]) == (300, 900)
    layout.index(arm)
    with pytest.raises(UsageError) as error:
        read(layout.root)
    assert str(error.value) == (
        f"{layout.root}: it is for linux/arm64, not for linux/ppc64le"
        " (DOCKER_DEFAULT_PLATFORM says so; --platform goes over it)"
    )


def test_one_of_several_by_name(layout: Layout) -> None:
    layout.index(one=layout.image(layer(a=1)), two=layout.image(layer(a=2)))
    assert read(layout.root, "two")[0] == 2
    with pytest.raises(UsageError) as error:
        read(layout.root)
    assert str(error.value) == (
        f"{layout.root}: there are several images in it (name one with --image: it has one, two)"
    )
    with pytest.raises(UsageError, match="no image three in it"):
        read(layout.root, "three")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an image archive: it has neither a manifest.json nor an index.json"),
        (b"no tar at all" * 100, "not an image archive: "),
        (gzip.compress(b"no tar at all" * 100, mtime=0), "not an image archive: "),
        (gzip.compress(layer(a=100_000), mtime=0)[:60], "not an image archive: "),
        (layer(a=1000), "not an image archive: it has neither"),
    ],
)
def test_files_that_are_no_image(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    with pytest.raises(UsageError) as error:
        read(path)
    assert error.value.message.startswith(message)
    assert error.value.exit_code == 2


@pytest.mark.parametrize("damage", ["manifest", "config", "layer", "index"])
def test_a_layout_that_lacks_something(layout: Layout, damage: str) -> None:
    image = layout.image(layer(a=1))
    manifest = json.loads((layout.root / "blobs/sha256" / str(image["digest"])[7:]).read_text())
    if damage == "index":
        (layout.root / "index.json").write_text("[]")
    else:
        layout.index(image)
        digest = {
            "manifest": image["digest"],
            "config": manifest["config"]["digest"],
            "layer": manifest["layers"][0]["digest"],
        }[damage]
        (layout.root / "blobs/sha256" / str(digest)[7:]).unlink()
    with pytest.raises(UsageError) as error:
        read(layout.root)
    assert error.value.where == str(layout.root)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read: No such file or directory"):
        read(tmp_path / "none.tar")
