"""Sizes over time: lines of JSON, a picture, a badge."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner

from ctxsize.cli import main
from ctxsize.forge import trend
from tests.forge.test_comment import grown
from tests.report.page.samples import HOSTILE


def run(tmp_path: Path, *words: str) -> int:
    return CliRunner().invoke(main, ["trend", str(tmp_path / "check.json"), *words]).exit_code


def test_each_run_adds_a_line_and_the_picture_has_them_all(tmp_path: Path) -> None:
    lines, svg, badge = (str(tmp_path / name) for name in ("sizes.jsonl", "sizes.svg", "badge.json"))
    for commit, by in (("a", 0), ("b", 20_000_000), ("c", 10_000_000)):
        (tmp_path / "check.json").write_text(json.dumps(grown(by)))
        words = ["--append", lines, "--commit", commit, "--svg", svg, "--badge", badge]
        assert run(tmp_path, *words) == 0

    entries = trend.read(Path(lines).read_text())
    name = next(iter(entries[0]["targets"]))
    assert [(each["commit"], each["targets"][name]["image"]) for each in entries] == [
        ("a", 200_000_000), ("b", 220_000_000), ("c", 210_000_000),
    ]  # fmt: skip
    picture = ElementTree.parse(svg)
    (points, *_) = [each.get("points") for each in picture.iter("{http://www.w3.org/2000/svg}polyline")]
    assert points is not None
    assert [point.split(",")[0] for point in points.split()] == ["10.0", "320.0", "630.0"]
    assert "image 210MB" in "".join(picture.getroot().itertext())
    assert json.loads(Path(badge).read_text()) == {
        "schemaVersion": 1, "label": "image", "message": "210MB", "color": "brightgreen",
    }  # fmt: skip


def test_hostile_lines_draw_nothing_hostile() -> None:
    lines = [
        "",
        "[" * 100_000,
        "5",
        '{"targets": 3}',
        json.dumps({"targets": {HOSTILE: {"image": "x", "pull": -1}}}),
    ]
    entries = trend.read("\n".join(lines))

    text = trend.picture(entries, HOSTILE)
    ElementTree.fromstring(text)
    assert "<img" not in text
    assert "polyline" not in text


def test_a_picture_needs_the_file_it_is_of(tmp_path: Path) -> None:
    assert run(tmp_path, "--svg", str(tmp_path / "x.svg")) == 2
