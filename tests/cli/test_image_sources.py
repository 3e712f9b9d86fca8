"""`ctxsize image` of an archive, of a registry, and of two images, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from tests.support.saved_images import layer, save


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.tar", [layer({"x": b"x" * 1000})], ["COPY x /"])
    save(tmp_path / "b.tar", [layer({"x": b"x" * 3000})], ["COPY x /"])
    return tmp_path


def run(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["image", *words], input=stdin)


def test_two_images(images: Path) -> None:
    done = run("a.tar", "b.tar")
    assert done.exit_code == 0, done.output
    assert "the image is 2kB (200.0 %) larger" in done.output
    document = json.loads(run("--format", "json", "--by", "file", "a.tar", "b.tar").output)
    assert [(row["name"], row["bytes"]["change"]) for row in document["rows"]] == [("/x", 2000)]


def test_an_archive_on_standard_input(images: Path) -> None:
    done = run("--format", "json", "-", stdin=(images / "a.tar").read_bytes())
    assert json.loads(done.output)["totals"]["bytes"] == 1000


def test_all_rows_or_some(images: Path) -> None:
    for name, size in (("c.tar", 10), ("d.tar", 20)):
        files = {f"f{number:03}": b"x" * size for number in range(30)}
        save(images / name, [layer(files)], ["COPY . /"])
    assert "… and 20 more" in run("--by", "file", "c.tar", "d.tar").output
    assert "more (" not in run("--by", "file", "--top", "0", "c.tar", "d.tar").output
    document = json.loads(run("--by", "file", "--format", "json", "c.tar", "d.tar").output)
    assert len(document["rows"]) == 30


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("a.tar", "b.tar", "c.tar"), "one image, or two"),
        (("--largest", "3", "a.tar", "b.tar"), "--largest is for one image"),
        (("--prove", "a.tar", "b.tar"), "--prove is for one image"),
        (("--by", "context", "a.tar", "b.tar"), "not compared by context path"),
        (("./gone.tar",), "no such file"),
        (("a.tar", "registry://h/A"), "no image can have that name"),
    ],
)
def test_what_can_not_be_meant(images: Path, words: tuple[str, ...], why: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert why in done.output + (done.stderr or "")
