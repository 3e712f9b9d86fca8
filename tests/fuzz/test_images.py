"""Whatever an engine or a file gives for an image: its listing, or an error of ours; in bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.engine.bases import platform_variables
from ctxsize.engine.connect import Engine
from ctxsize.engine.images import EngineImages
from ctxsize.engine.options import BuildOptions
from ctxsize.engine.platforms import find_image
from ctxsize.errors import CtxsizeError, EngineError
from ctxsize.files.tarlist import TarReader
from ctxsize.image.archive import open_archive
from tests.fuzz.profile import effort
from tests.support.opening import open_images
from tests.support.zstd import zstd

MB = 1 << 20
IMAGE_ID = "sha256:" + "c" * 64


def tar(files: dict[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=format_, errors="surrogateescape") as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return data.getvalue()


def saved(layer: bytes, manifest: object = None, config: object = None) -> bytes:
    """What `docker save` would write of an image of one layer."""
    name = "c" * 64 + ".json"
    manifest = manifest or [{"Config": name, "RepoTags": ["a:b"], "Layers": ["layer.tar"]}]
    config = config or {"rootfs": {"diff_ids": ["sha256:1"]}, "history": [{"created_by": "COPY . /"}]}
    documents = {name: config, "manifest.json": manifest}
    return tar({"layer.tar": layer} | {name: json.dumps(each).encode() for name, each in documents.items()})


class Saving:
    """An engine that answers `docker save` with these bytes, as the SDK's client hands them on."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def _url(self, path: str) -> str:
        return path

    def _get(self, *_: object, **__: object) -> Saving:
        return self

    def inspect_image(self, _: str) -> dict[str, object]:
        return {"RootFS": {"Layers": ["sha256:0"]}}  # some: an image without any is not saved

    def _raise_for_status(self, _: object) -> None: ...

    def __enter__(self) -> Saving:
        return self

    def __exit__(self, *_: object) -> None: ...

    def iter_content(self, size: int) -> Iterator[bytes]:
        for at in range(0, len(self._data), size):
            yield self._data[at : at + size]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def read(data: bytes) -> list[tuple[str, int]]:
    api: Any = Saving(data)
    with open_images(api, [IMAGE_ID]) as reader:
        return list(reader.listing(reader.images[IMAGE_ID]))


@pytest.mark.parametrize(
    "answer", [None, [], "a", 5, {}, {"Id": "a", "Size": None}, {"Id": "a", "Size": "x"}]
)
def test_an_answer_about_an_image_that_is_none(answer: object) -> None:
    api: Any = SimpleNamespace(inspect_image=lambda name: answer)
    engine: Any = SimpleNamespace(api=api, info=SimpleNamespace(storage="overlay2", podman=False))
    with pytest.raises(EngineError, match="makes no sense"):
        EngineImages(api).bytes_of(find_image(engine, "a:b").id)


@pytest.mark.parametrize("answer", [None, [], "a", 5])
def test_an_answer_about_the_platform_that_is_none(answer: object) -> None:
    api: Any = SimpleNamespace(version=lambda: answer)
    info: Any = None
    engine = Engine(api, info, "")
    with pytest.raises(EngineError, match="makes no sense"):
        platform_variables(engine, BuildOptions())


LAYER = tar({"a/../../../etc/passwd": b"x", "é" * 80: b"yy", "/abs": b"", "two\nlines": b"1"})
SAVED = [
    saved(LAYER),
    saved(gzip.compress(LAYER, mtime=0)),
    saved(zstd.compress(LAYER)),
    saved(tar({"x" * 200: b"1"}, tarfile.GNU_FORMAT)),
]
PLACES = st.integers(0, max(map(len, SAVED)) - 1)
DAMAGES = st.lists(st.tuples(PLACES, st.binary(max_size=12)), max_size=4)


def test_paths_that_lead_out_are_names_and_nothing_else() -> None:
    assert [name for name, _ in read(SAVED[0])] == ["abs", "etc/passwd", "two\nlines", "é" * 80]


@given(st.sampled_from(SAVED), DAMAGES, st.one_of(st.none(), PLACES))
@effort(30)
def test_damaged_anywhere(data: bytes, damages: list[tuple[int, bytes]], cut: int | None) -> None:
    damaged = bytearray(data)
    for place, put in damages:
        damaged[place : place + len(put)] = put
    try:
        listing = read(bytes(damaged[:cut]))
    except EngineError as error:
        assert str(error)
    else:
        assert all(size >= 0 for _, size in listing)


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"0", b"L", b"K", b"x", b"g", b"S", b"1", b"2", b"5", b"\0", b"Z"]),
        st.sampled_from(
            [b"", b"path=a", b"size=-1", b"size=9" + b"9" * 30, b"GNU.sparse.major=1", b"\0" * 600]
        ),
        st.integers(-2, 700),
    ),
    max_size=6,
)


@given(HEADERS)
@effort(40)
def test_any_chain_of_headers(headers: list[tuple[bytes, bytes, int]]) -> None:
    data = b""
    for kind, text, size in headers:
        if kind in b"xg" and text:
            text = b"%d %b\n" % (len(text) + 2 + len(str(len(text) + 4)), text)
        info = tarfile.TarInfo("name")
        info.size = size if size >= 0 else len(text)
        block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        block[156:157] = kind
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        data += bytes(block) + text.ljust(-(-len(text) // 512) * 512, b"\0")
    with suppress(tarfile.ReadError):
        assert len(list(TarReader(io.BytesIO(data)))) <= len(headers)


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.sampled_from(["layer.tar", "c" * 64 + ".json", "a"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["Config", "Layers", "RepoTags", "rootfs", "diff_ids", "history", "manifests", "digest"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(JSON, JSON)
@effort(30)
def test_any_manifest_and_configuration(manifest: object, config: object) -> None:
    with pytest.raises(CtxsizeError):
        read(saved(LAYER, manifest or [1], config or [1]))


@pytest.mark.parametrize("nested", [b"[" * 100_000, b'{"a":' * 100_000])
def test_json_nested_without_end(nested: bytes) -> None:
    with pytest.raises(EngineError):
        read(tar({"manifest.json": nested}))


DIGESTS = st.sampled_from(["sha256:" + name for name in "abc"])
INDEXES = st.recursive(
    JSON,
    lambda inner: (
        st.fixed_dictionaries(
            {
                "manifests": st.lists(
                    st.fixed_dictionaries({"digest": DIGESTS}, optional={"annotations": inner})
                )
            }
        )
        | st.fixed_dictionaries(
            {
                "config": st.fixed_dictionaries({"digest": DIGESTS}),
                "layers": st.lists(st.fixed_dictionaries({"digest": DIGESTS})),
            }
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from("abc"), INDEXES), INDEXES)
@effort(30)
def test_any_image_layout(blobs: dict[str, object], index: object) -> None:
    documents = {f"blobs/sha256/{name}": json.dumps(each).encode() for name, each in blobs.items()}
    path = Path("layout")
    path.write_bytes(tar(documents | {"index.json": json.dumps(index).encode()}))
    with suppress(CtxsizeError):
        open_archive(path).close()


def layout(blobs: dict[str, object], first: str) -> Path:
    path = Path("layout")
    documents = {f"blobs/sha256/{name}": json.dumps(each).encode() for name, each in blobs.items()}
    index = {"manifests": [{"digest": f"sha256:{first}"}]}
    path.write_bytes(tar(documents | {"index.json": json.dumps(index).encode()}))
    return path


def leads_to(name: str, times: int) -> object:
    return {"manifests": [{"digest": f"sha256:{name}"}] * times}


@pytest.mark.parametrize(
    ("blobs", "message"),
    [
        ({"0": leads_to("0", 1)}, "contains itself"),
        ({str(n): leads_to(str(n + 1), 2) for n in range(60)}, "nested too deeply"),
        ({"0": leads_to("1", 100_000), "1": leads_to("2", 100_000)}, "without end"),
        ({"0": leads_to("1", 100_000), "1": {"config": {"digest": ":"}, "layers": []}}, "images"),
    ],
)
def test_an_index_that_leads_to_ever_more_is_refused(
    blobs: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A sixteenth of what is parsed at most.
    monkeypatch.setattr("ctxsize.image.content._MOST_PARSED", 16 << 20)
    with pytest.raises(CtxsizeError, match=message):
        open_archive(layout(blobs, "0"))


def test_a_layer_that_an_image_has_many_times_is_listed_once() -> None:
    times = 400
    manifest = [{"Config": "c" * 64 + ".json", "Layers": ["layer.tar"] * times}]
    config = {"rootfs": {"diff_ids": ["sha256:1"] * times}, "history": []}

    assert read(saved(tar({"a": b"xyz"}), manifest, config)) == [("a", 3 * times)]
    with pytest.raises(EngineError, match="more than 500 layers"):
        read(saved(LAYER, [{**manifest[0], "Layers": ["layer.tar"] * 501}], config))


def test_only_the_links_at_the_root_are_taken_into_memory() -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        for name in ("bin", "usr/lib", "/sbin", "a/b/c"):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, "usr/bin"
            made.addfile(info)
    api: Any = Saving(saved(data.getvalue()))
    with open_images(api, [IMAGE_ID]) as reader:
        assert reader.symlinks(reader.images[IMAGE_ID].layers) == {"bin": "usr/bin", "sbin": "usr/bin"}


def test_an_archive_of_endless_entries_is_refused() -> None:
    """Each would be remembered: a link for where it leads, a layer for its size."""
    info = tarfile.TarInfo("a")
    info.type = tarfile.SYMTYPE
    with pytest.raises(EngineError, match="so many layers"):
        read(info.tobuf() * 50_001)


def test_a_size_at_the_edge_of_what_can_be_counted_is_an_error() -> None:
    """Its end would lie beyond the largest number of the database."""
    info = tarfile.TarInfo("a")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\x80" + ((1 << 63) - 1).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    with pytest.raises(EngineError, match="no file can have"):
        read(saved(bytes(block) + bytes(1024)))


@given(st.binary(max_size=300))
@effort(10)
def test_any_bytes_as_an_archive(data: bytes) -> None:
    path = Path("archive")
    path.write_bytes(data)
    with pytest.raises(CtxsizeError):
        open_archive(path)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def peak(data: bytes) -> int:
    """The most memory that reading the image took, in bytes."""
    api: Any = Saving(data)
    tracemalloc.start()
    try:
        open_images(api, [IMAGE_ID]).close()
    except EngineError:
        pass
    finally:
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return top


def test_a_bomb_does_not_fill_the_memory() -> None:
    """50 MB that come as 50 kB; and headers, of a name and of a sparse file, that say they are as long."""
    zeros = tar({"zeros": bytes(50 * MB)})
    for bomb in (gzip.compress(zeros), zstd.compress(zeros)):
        assert peak(saved(bomb)) < 25 * MB
    for kind in (b"L", b"x", b"g"):
        info = tarfile.TarInfo("name")
        info.size = 50 * MB
        block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
        block[156:157] = kind
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        assert peak(saved(gzip.compress(bytes(block) + bytes(50 * MB)))) < 25 * MB


def test_documents_nobody_asks_for_do_not_fill_the_memory() -> None:
    """Parsed, these 8 MB would take 200."""
    fat = b"[" + b"{}," * (8 * MB // 3 - 1) + b"{}]"
    assert peak(tar({"fat": fat})) < 25 * MB


def test_a_layer_that_is_cut_off_is_no_shorter_layer() -> None:
    content = tar({"a": bytes(10), "b": b"0123456789" * 1000})

    for whole in (gzip.compress(content), zstd.compress(content)):
        for length in (len(whole) // 2, len(whole) - 1, len(whole) - 8):
            with pytest.raises(EngineError, match="cut off"):
                read(saved(whole[:length]))


@pytest.mark.slow
def test_very_many_entries_take_the_memory_of_a_few() -> None:
    few, many = (peak(saved(tar({f"d/{n:09}": b"" for n in range(count)}))) for count in (1000, 100_000))

    assert many < few + 10 * MB
