"""Images that a builder exports to be read: what is in them, what several share, and what is no image."""

from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.engine.exported import ExportedImages
from ctxsize.engine.images import read_images
from ctxsize.errors import EngineError
from ctxsize.image.reader import ImageReader
from ctxsize.image.types import Layer
from tests.fuzz.profile import effort
from tests.support.layout import Layout, gzipped, layer
from tests.support.zstd import zstd

MB = 1 << 20


class Exporter:
    """A builder that exports these tars, by the ids of its builds."""

    def __init__(self, **tars: bytes) -> None:
        self._tars = tars
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def __call__(
        self, image_id: str, take: Callable[[Iterator[bytes]], object], exporter: str, **attributes: str
    ) -> None:
        self.asked.append((image_id, exporter, attributes))
        data = self._tars[image_id]
        take(data[at : at + 10_000] for at in range(0, len(data), 10_000))


def exported(folder: Path, *layers: bytes, pack: Callable[[bytes], bytes] = gzipped) -> bytes:
    layout = Layout(folder)
    layout.index(layout.image(*layers, pack=pack))
    return layout.tar().read_bytes()


def read(exporter: Exporter, *image_ids: str, compress: bool = True) -> ImageReader:
    api: Any = None
    return read_images(ExportedImages(exporter, api), image_ids, lambda: ImageReader(compress=compress))


def test_what_several_images_share_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_layers = []
    add = ImageReader.add_layer

    def counting(self: ImageReader, *arguments: Any, **named: Any) -> Layer:
        read_layers.append(arguments)
        return add(self, *arguments, **named)

    monkeypatch.setattr(ImageReader, "add_layer", counting)
    base, small, large = layer(base=500), layer(a=10), layer(a=10, b=2000)
    exporter = Exporter(
        one=exported(tmp_path / "one", base, small), two=exported(tmp_path / "two", base, large)
    )
    with read(exporter, "one", "two") as reader:
        one, two = reader.images["one"], reader.images["two"]
        assert (one.bytes, two.bytes) == (510, 2510)
        assert two.pull_bytes == len(gzipped(base)) + len(gzipped(large))
        assert [each.path for each in reader.changes(one.layers[1], two.layers[1])] == ["b"]
        assert one.layers[0] == two.layers[0]
    assert len(read_layers) == 3
    assert one.id.startswith("sha256:") and one.id != two.id


def test_layers_come_as_a_registry_gets_them_where_that_size_is_wanted(tmp_path: Path) -> None:
    exporter = Exporter(one=exported(tmp_path / "one", layer(a=10)))
    for compress in (True, False):
        with read(exporter, "one", compress=compress) as reader:
            assert (reader.images["one"].pull_bytes is not None) == compress
    assert [attributes for _, _, attributes in exporter.asked] == [{}, {"compression": "uncompressed"}]


def test_several_images_are_not_the_one_that_was_asked_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "oci")
    layout.index(layout.image(layer(a=1)), layout.image(layer(a=2)))
    with pytest.raises(EngineError, match="exports 2 images"):
        read(Exporter(one=layout.tar().read_bytes()), "one")


def test_a_layer_that_is_missing_is_an_error(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "oci")
    layout.index(layout.image(layer(a=1), layer(b=1)))
    lost = layout.root / "blobs/sha256" / max(layout.root.glob("blobs/sha256/*"), key=_is_layer).name
    lost.unlink()
    with pytest.raises(EngineError, match="lacks the layer"):
        read(Exporter(one=layout.tar().read_bytes()), "one")


def _is_layer(path: Path) -> bool:
    return path.read_bytes()[:2] == b"\x1f\x8b"


def test_a_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    for pack in (gzipped, zstd.compress):
        exporter = Exporter(one=exported(tmp_path / pack.__name__, layer(zeros=50 * MB), pack=pack))
        tracemalloc.start()
        try:
            read(exporter, "one").close()
            assert tracemalloc.get_traced_memory()[1] < 25 * MB
        finally:
            tracemalloc.stop()


def _small(pack: Callable[[bytes], bytes]) -> bytes:
    """An export of one layer, in memory."""
    content = pack(layer(a=30))
    documents = {
        "config": {"rootfs": {"diff_ids": ["sha256:1"]}, "history": [{"created_by": "COPY"}]},
        "manifest": {"config": {"digest": "sha256:config"}, "layers": [{"digest": "sha256:layer"}]},
    }
    files = {f"blobs/sha256/{name}": json.dumps(each).encode() for name, each in documents.items()}
    files["blobs/sha256/layer"] = content
    files["index.json"] = json.dumps({"manifests": [{"digest": "sha256:manifest"}]}).encode()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, part in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(part)
            tar.addfile(entry, io.BytesIO(part))
    return data.getvalue()


EXPORTS = [_small(gzipped), _small(zstd.compress), _small(bytes)]
PLACES = st.integers(0, max(map(len, EXPORTS)) - 1)


@given(
    st.sampled_from(EXPORTS),
    st.lists(st.tuples(PLACES, st.binary(max_size=12)), max_size=4),
    st.one_of(st.none(), PLACES),
)
@effort(30)
def test_damaged_anywhere_it_is_an_image_or_an_error(
    data: bytes, damages: list[tuple[int, bytes]], cut: int | None
) -> None:
    damaged = bytearray(data)
    for place, put in damages:
        damaged[place : place + len(put)] = put
    try:
        with read(Exporter(one=bytes(damaged[:cut])), "one") as reader:
            assert reader.images["one"].bytes >= 0
    except EngineError as error:
        assert str(error)
