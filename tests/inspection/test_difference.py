"""Two images: what is added, removed, changed and the same, to the byte, from any two sources."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from ctxsize.errors import ConfigError, UsageError
from ctxsize.inspection.difference.difference import image_difference
from ctxsize.inspection.difference.types import ImageDifference, Sizes
from ctxsize.inspection.image import image
from ctxsize.report.formats import FORMATS, drawing
from ctxsize.report.shared.look import Look
from tests.support.registry import Registry
from tests.support.saved_images import layer, save
from tests.support.seeds import seeds

ROOT = Path(__file__).resolve().parents[2]
BASE = layer({"bin/sh": b"x" * 100_000})
OLD = layer({"app/a.py": b"a" * 1000, "app/b.py": b"b" * 2000, "app/data/old": b"o" * 70_000})
NEW = layer({"app/a.py": b"a" * 1000, "app/b.py": b"B" * 5000, "app/new": b"n" * 300})
OWNED = layer({"app/a.py": (b"a" * 1000, 7)})
STEPS = ["FROM base", "COPY . /app # buildkit", "RUN /bin/sh -c chown -R 7 /app # buildkit"]


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return save(tmp_path / "a.tar", [BASE, OLD], STEPS[:2])


@pytest.fixture
def b(tmp_path: Path) -> Path:
    return save(tmp_path / "b.tar", [BASE, NEW, OWNED], STEPS)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = Registry()
    yield found
    found.close()


def rows(found: ImageDifference) -> dict[str, tuple[str, int | None, int | None]]:
    return {row.name: (row.status, row.bytes.a, row.bytes.b) for row in found.rows}


def adds_up(found: ImageDifference) -> None:
    """Whatever the image has more or less is in the steps, in the rows with the rest, and in the statuses."""
    whole = found.totals.bytes
    for side in ("a", "b"):
        assert sum(getattr(step.bytes, side) for step in found.steps) == getattr(whole, side)
        listed = sum(getattr(row.bytes, side) for row in found.rows)
        assert listed + getattr(found.rest, side) == getattr(whole, side)
    assert sum(each.bytes for each in found.statuses) == whole.change


def test_steps(a: Path, b: Path) -> None:
    found = image_difference(a, b)
    assert [(step.status, step.text, step.bytes.a, step.bytes.b) for step in found.steps] == [
        ("same", "FROM base", 100_000, 100_000),
        ("changed", "COPY . /app", 73_000, 6_300),
        ("added", "RUN chown -R 7 /app", 0, 1_000),
    ]
    assert found.totals.bytes == Sizes(173_000, 107_300)
    assert found.totals.wasted_bytes == Sizes(0, 1_000)
    adds_up(found)


def test_files(a: Path, b: Path) -> None:
    found = image_difference(a, b, view="file")
    assert rows(found) == {
        "/app/data/old": ("removed", 70_000, 0),
        "/app/b.py": ("changed", 2_000, 5_000),
        "/app/a.py": ("changed", 1_000, 2_000),  # stored again, for another owner
        "/app/new": ("added", 0, 300),
    }
    assert {each.status: each.files for each in found.statuses} == {
        "added": 1, "removed": 1, "changed": 2, "same": 1,
    }  # fmt: skip
    adds_up(found)


def test_directories_and_extensions(a: Path, b: Path) -> None:
    assert rows(image_difference(a, b, view="dir", depth=1)) == {"/app": ("changed", 73_000, 7_300)}
    assert rows(image_difference(a, b, view="ext")) == {
        "(none)": ("changed", 170_000, 100_300),
        ".py": ("changed", 3_000, 7_000),
    }


def test_only_so_many_rows_and_the_rest_in_one_sum(a: Path, b: Path) -> None:
    for view in ("file", "dir"):
        found = image_difference(a, b, view=view, most=1)  # type: ignore[arg-type]
        assert len(found.rows) == 1
        assert found.rows_left_out
        adds_up(found)


def test_an_image_and_itself(a: Path) -> None:
    found = image_difference(a, a, view="file")
    assert {step.status for step in found.steps} == {"same"}
    assert found.rows == ()
    assert found.rest == found.totals.bytes == Sizes(173_000, 173_000)


def test_another_time_is_no_change_and_another_mode_is(tmp_path: Path) -> None:
    import tarfile

    def one(mtime: int, mode: int) -> bytes:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            entry = tarfile.TarInfo("x")
            entry.size, entry.mtime, entry.mode = 10, mtime, mode
            tar.addfile(entry, io.BytesIO(bytes(10)))
        return data.getvalue()

    first, later, other = (
        save(tmp_path / f"{name}.tar", [one(*of)], ["COPY x"])
        for name, of in {"1": (1, 0o644), "2": (2, 0o644), "3": (1, 0o755)}.items()
    )
    assert not image_difference(first, later, view="file").rows
    assert image_difference(first, later).steps[0].status == "changed"  # it is another layer
    assert rows(image_difference(first, other, view="file")) == {"/x": ("changed", 10, 10)}


def test_a_hard_link_is_a_file_that_takes_nothing(tmp_path: Path) -> None:
    single = save(tmp_path / "1.tar", [layer({"a": b"x" * 500})], ["COPY"])
    linked = save(tmp_path / "2.tar", [layer({"a": b"x" * 500}, {"b": "a"})], ["COPY"])
    found = image_difference(single, linked, view="file")
    adds_up(found)
    assert found.totals.bytes.change == 0
    assert {each.status: each.files for each in found.statuses}["added"] == 1


def test_a_rewritten_step_is_the_same_step(tmp_path: Path, a: Path) -> None:
    other = save(tmp_path / "other.tar", [BASE, OLD], ["FROM base", "COPY --link . /app"])
    found = image_difference(a, other)
    assert [(step.status, step.bytes.change) for step in found.steps] == [("same", 0), ("changed", 0)]


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_random_images_add_up(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    names = [f"{folder}/{name}" for folder in ("a", "a/b", "c") for name in ("x", "y.py", ".wh.x", "z")]

    def one(path: Path) -> Path:
        layers = [
            layer({name: bytes([rng.randrange(3)]) * rng.randrange(2000) for name in rng.sample(names, 5)})
            for _ in range(4)
        ]
        return save(path, layers, [f"RUN {number}" for number in range(4)])

    for _ in range(2):
        pair = one(tmp_path / "a.tar"), one(tmp_path / "b.tar")
        for view in ("dir", "file", "ext"):
            adds_up(image_difference(*pair, view=view, most=3))  # type: ignore[arg-type]


def test_a_registry_tells_the_sizes_of_a_pull_without_its_layers(registry: Registry, b: Path) -> None:
    registry.image(
        gzip.compress(BASE), gzip.compress(OLD), steps=[{"created_by": each} for each in STEPS[:2]]
    )
    found = image_difference(registry.name(), b)
    assert found.totals.bytes == Sizes(None, 107_300)
    assert found.totals.pull_bytes.a == len(gzip.compress(BASE)) + len(gzip.compress(OLD))
    assert [step.bytes.a for step in found.steps] == [None, None, 0]
    assert found.rows == ()
    assert "bytes" in found.missing
    assert not any("/blobs/" in path for path, _ in registry.asked[2:])


def test_a_registry_gives_its_layers_when_files_are_asked_for(registry: Registry, a: Path, b: Path) -> None:
    registry.image(*(map(gzip.compress, (BASE, OLD))), steps=[{"created_by": each} for each in STEPS[:2]])
    there = image_difference(registry.name(), b, view="file")
    assert rows(there) == rows(image_difference(a, b, view="file"))
    adds_up(there)


def test_one_image_in_a_registry(registry: Registry) -> None:
    packed = [gzip.compress(each) for each in (BASE, NEW, OWNED)]
    registry.image(*packed, steps=[{"created_by": each} for each in STEPS])
    sizes = image(registry.name())
    assert sizes.totals.pull_bytes == sum(map(len, packed))
    assert [step.pull_bytes for step in sizes.steps] == [len(each) for each in packed]
    assert (sizes.totals.bytes, sizes.totals.wasted_bytes) == (None, None)
    assert [step.bytes for step in sizes.steps] == [None, None, None]
    for name in FORMATS["image"]:
        text = "".join(drawing("image", name)(sizes, Look()))
        assert not re.search(r"\b0B", text)
        assert name == "csv" or "compressed sizes only" in text
    schema = json.loads((ROOT / "docs/schema/image-1.json").read_text())
    jsonschema.validate(json.loads("".join(drawing("image", "json")(sizes, Look()))), schema)
    read = image(registry.name(), files=True)
    assert (read.totals.bytes, read.totals.wasted_bytes) == (107_300, 1_000)
    assert read.image.source == "registry"


def test_an_archive_on_standard_input(b: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b.read_bytes(), gzip.compress(b.read_bytes())):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        assert image("-").totals.wasted_bytes == 1_000


def test_an_archive_of_another_platform(b: Path) -> None:
    from ctxsize.engine.options import BuildOptions

    assert image(b, options=BuildOptions(platform="linux/amd64")).image.platform == "linux/amd64"
    with pytest.raises(UsageError, match=r"it is for linux/amd64, not for linux/arm64"):
        image(b, options=BuildOptions(platform="linux/arm64"))


def comparison(path: Path, **variants: Any) -> Path:
    path.write_text(json.dumps({"schema": 1, "variants": variants}))
    return path


def test_comparisons_are_sources_of_figures(tmp_path: Path, b: Path) -> None:
    with_, without = ({"id": "x", "bytes": size, "pull_bytes": pull} for size, pull in ((100, 10), (900, 90)))
    file = comparison(tmp_path / "c.json", **{"with": {"image": with_}, "without": {"image": without}})
    found = image_difference(f"{file}#without", file)
    assert (found.totals.bytes, found.totals.pull_bytes) == (Sizes(900, 100), Sizes(90, 10))
    assert found.steps == found.rows == ()
    assert {"steps", "files"} <= found.missing.keys()
    assert image_difference(file, b).totals.bytes == Sizes(100, 107_300)


def test_a_report_on_an_image_is_a_source_of_its_steps(tmp_path: Path, a: Path, b: Path) -> None:
    file = tmp_path / "a.json"
    text = drawing("image", "json")(image(a), Look())
    assert isinstance(text, str)
    file.write_text(text)
    found = image_difference(file, b)
    assert [(step.bytes.a, step.bytes.b) for step in found.steps] == [
        (100_000, 100_000), (73_000, 6_300), (0, 1_000),
    ]  # fmt: skip
    assert found.totals.bytes == Sizes(173_000, 107_300)


@pytest.mark.parametrize(
    "text",
    [
        "{", "{}", '{"schema": 1, "variants": {}}', '{"schema": 1, "variants": {"with": {"image": null}}}',
        '{"schema": 1, "variants": {"with": {"image": {"bytes": -1}}}}', '{"a":' * 100_000,
    ],
)  # fmt: skip
def test_json_that_is_no_report(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"x\.json"):
        image(file)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no such file"):
        image("./nothing.tar")
