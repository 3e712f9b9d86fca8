"""Whatever a registry, an archive on standard input or a report says of an image: figures that make sense, or
an error of ours of one line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.errors import ConfigError, CtxsizeError, UsageError
from ctxsize.image.archive import read_archive
from ctxsize.image.inventory import Inventory
from ctxsize.image.manifest import Manifest, ManifestError, choose, parse_config, parse_manifest
from ctxsize.inspection.difference.differ import differ
from ctxsize.inspection.difference.steps import aligned
from ctxsize.inspection.recorded import recorded_image
from ctxsize.inspection.sources import OpenedImage
from ctxsize.inspection.stored import archive_image
from ctxsize.measure.target import StepSize
from ctxsize.progress import Silent
from tests.fuzz.profile import effort
from tests.support.saved_images import layer, save

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
DIGEST = f"sha256:{'0' * 64}"
BLOB = {"digest": DIGEST, "size": 1}


def changed(document: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The document with some of its keys replaced by anything."""
    return st.dictionaries(st.sampled_from([*document]), ANYTHING, max_size=2).map(
        lambda new: {**document, **new}
    )


MANIFESTS = changed({"schemaVersion": 2, "config": BLOB, "layers": [BLOB]}) | changed(
    {"manifests": [{**BLOB, "platform": {"os": "linux", "architecture": "amd64"}, "annotations": {}}]}
)


@given(MANIFESTS | ANYTHING | st.binary(max_size=60))
@effort(60)
def test_any_manifest(document: Any) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        found = parse_manifest(data)
    except ManifestError as error:
        assert str(error)
        return
    if isinstance(found, Manifest):
        assert all(blob.bytes >= 0 and blob.digest.startswith("sha256:") for blob in found.layers)
        return
    try:
        assert 0 <= choose([each.platform for each in found], "linux/s390x", "x") < len(found)
    except UsageError as error:
        assert "\n" not in str(error)


@given(changed({"os": "linux", "rootfs": {"diff_ids": ["a"]}, "history": [{"created_by": "x"}]}) | ANYTHING)
@effort(40)
def test_any_configuration(document: Any) -> None:
    try:
        found = parse_config(json.dumps(document).encode(), 1)
    except ManifestError as error:
        assert str(error)
    else:
        assert len(found.diff_ids) == 1


REPORT = {
    "schema": 1, "image": {"id": "x", "platform": None}, "missing": {},
    "steps": [{"created_by": "x", "layer": 1, "line": None, "bytes": 1, "files": 1, "pull_bytes": 1}],
}  # fmt: skip
COMPARISON = {"schema": 1, "variants": {"with": {"image": {"id": "x", "bytes": 1, "pull_bytes": None}}}}


@given(changed(REPORT) | changed(COMPARISON) | ANYTHING)
@effort(60)
def test_any_report(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "any-report.json"
    file.write_text(json.dumps(document))
    try:
        with recorded_image(str(file))(Silent()) as opened:
            assert isinstance(opened, OpenedImage)
            assert opened.image.bytes >= 0
    except ConfigError as error:
        assert "\n" not in str(error)


ENTRIES = st.dictionaries(
    st.sampled_from(["a", "a/b", "a/b/c", ".wh.a", "a/.wh.b", "a/.wh..wh..opq", "d/e", "../x", "é"]),
    st.binary(max_size=40),
    max_size=6,
)


@given(st.lists(ENTRIES, min_size=1, max_size=4), st.lists(ENTRIES, min_size=1, max_size=4))
@effort(12)
def test_any_two_images_add_up(
    tmp_path_factory: pytest.TempPathFactory, a: list[dict[str, bytes]], b: list[dict[str, bytes]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    names = [
        str(save(folder / f"{name}.tar", [layer(each) for each in layers], ["RUN x"] * len(layers)))
        for name, layers in (("any-a", a), ("any-b", b))
    ]
    for view in ("file", "dir"):
        found = differ(*map(archive_image, names), Silent(), view=view, most=2)  # type: ignore[arg-type]
        whole = found.totals.bytes
        assert sum(row.bytes.change or 0 for row in found.rows) + (found.rest.change or 0) == whole.change
        assert sum(each.bytes for each in found.statuses) == whole.change
        assert sum(step.bytes.change or 0 for step in found.steps) == whole.change


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a.tar"
    return save(path, [layer({"a": b"x" * 50, "b/.wh.c": b""})], ["COPY"]).read_bytes()


@given(data=st.data())
@effort(16)
def test_a_stream_that_is_damaged_or_ends(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(whole)))])
    try:
        with read_archive(io.BytesIO(cut), None, Inventory) as reader:
            (image,) = reader.images.values()
            assert sum(each.bytes for each in reader.stored(image)) == image.bytes
    except CtxsizeError as error:
        assert "\n" not in str(error)


def test_aligning_very_many_steps_takes_no_square_of_time() -> None:
    one = [StepSize(f"RUN {number}", None, 1, 1) for number in range(100_000)]
    other = [StepSize(f"RUN {number + 1}", None, 1, 1) for number in range(100_001)]
    assert sum(1 for _ in aligned(one, other)) == 100_001


def test_a_file_that_is_neither_archive_nor_report(tmp_path: Path) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(b"\x00" * 10_000)
    with pytest.raises(UsageError, match=r"x\.tar"), archive_image(str(file))(Silent()):
        pass
