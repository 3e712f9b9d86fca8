"""Saved images: OCI layouts as directories and tars, several images in one file, and files that are none."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import pytest

from ctxsize.errors import UsageError
from ctxsize.image import pullsizes
from ctxsize.image.archive import open_archive
from tests.support.zstd import zstd

Pack = Callable[[bytes], bytes]


def layer(**files: int) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, size in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = size
            tar.addfile(entry, io.BytesIO(b"x" * size))
    return data.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


class Layout:
    """Writes an OCI image layout by its specification, blob by blob."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "blobs/sha256").mkdir(parents=True)
        (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (self.root / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def document(self, content: object) -> dict[str, object]:
        return self.blob(json.dumps(content).encode())

    def image(self, *layers: bytes, packed: bool = True, pack: Pack | None = None) -> dict[str, object]:
        config = {
            "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]},
            "history": [{"created_by": f"COPY {number}"} for number in range(len(layers))],
        }
        pack = pack or (gzipped if packed else bytes)
        blobs = [self.blob(pack(each)) for each in layers]
        return self.document({"schemaVersion": 2, "config": self.document(config), "layers": blobs})

    def index(self, *images: dict[str, object], **names: dict[str, object]) -> None:
        named = [
            {**image, "annotations": {"org.opencontainers.image.ref.name": name}}
            for name, image in names.items()
        ]
        (self.root / "index.json").write_text(json.dumps({"manifests": [*images, *named]}))

    def tar(self) -> Path:
        path = self.root.with_suffix(".tar")
        with tarfile.open(path, "w") as tar:
            tar.add(self.root, arcname=".")
        return path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "oci")


def read(path: Path, name: str | None = None) -> tuple[int, int]:
    with open_archive(path, name) as reader:
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
