"""Limits on what is wasted or left in an image, on its largest layer, and on the growth of a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ctxsize.budget.check import CheckOptions, check
from ctxsize.budget.types import Judged, TargetReport
from ctxsize.errors import ConfigError
from ctxsize.report.formats import FORMATS, drawing
from ctxsize.report.shared.look import Look
from tests.support.saved_images import layer, save

ROOT = Path(__file__).resolve().parents[3]
BASE = layer({"bin/sh": b"x" * 100_000})
APP = layer({"app/a": b"a" * 40_000, "app/tmp": b"t" * 30_000, "root/.cache/pip/http/1": b"p" * 5_000})
OWNED = layer({"app/a": (b"a" * 40_000, 7), "app/.wh.tmp": b""})
STEPS = ["FROM base", "COPY . /app # buildkit", "RUN /bin/sh -c chown 7 /app/a && rm /app/tmp # buildkit"]


@pytest.fixture
def archive(tmp_path: Path) -> str:
    return str(save(tmp_path / "shop.tar", [BASE, APP, OWNED], STEPS))


def checked(root: Path, archive: str, *limits: str, **options: Any) -> TargetReport:
    (report,) = check(
        root, options=CheckOptions(limits=limits, archive=archive, **options), environ={}
    ).targets
    return report


def judged(root: Path, archive: str, limit: str, **options: Any) -> Judged:
    (found,) = checked(root, archive, limit, **options).limits
    return found


@pytest.mark.parametrize(
    ("name", "size"),
    [("wasted", 70_000), ("reclaimable", 70_000), ("leftovers", 5_000), ("layer", 100_000)],
)
def test_a_size_equal_to_its_limit_is_within_it_and_a_byte_more_is_over(
    root: Path, archive: str, name: str, size: int
) -> None:
    within, over = (judged(root, archive, f"{name}={most} B") for most in (size, size - 1))
    assert (within.value, within.over) == (size, False)
    assert (over.value, over.over, over.overshoot) == (size, True, 1)


def test_a_percentage_is_one_of_the_image(root: Path, archive: str) -> None:
    found = judged(root, archive, "wasted=10%")
    assert (found.limit, found.value, found.over) == (21_500, 70_000, True)


def test_the_lines_that_waste_most_are_named(root: Path, archive: str) -> None:
    hint = judged(root, archive, "wasted=1 B").hint or ""
    assert "40kB in /app/a of COPY . /app, stored again by RUN chown 7 /app/a" in hint
    assert "30kB in /app/tmp of COPY . /app, removed by RUN" in hint
    assert "5kB of pip" in (judged(root, archive, "leftovers=1 B").hint or "")
    assert "most of it: FROM base;" in (judged(root, archive, "layer=1 B").hint or "")


@pytest.mark.parametrize("pattern", ["app/tmp", "/app/tmp", "**/tmp", "app/t*"])
def test_what_is_exempt_does_not_count(root: Path, archive: str, pattern: str) -> None:
    assert judged(root, archive, "wasted=1 B", exempt=(pattern,)).value == 40_000


def test_exempt_is_for_leftovers_too_and_has_exceptions(root: Path, archive: str) -> None:
    assert judged(root, archive, "leftovers=1 B", exempt=("root",)).value == 0
    assert judged(root, archive, "wasted=1 B", exempt=("app", "!app/tmp")).value == 30_000


def test_exempt_of_the_configuration_and_the_environment(root: Path, archive: str) -> None:
    (root / ".ctxsize.toml").write_text('[budget]\nwasted = "1 B"\nexempt = ["app/a"]\n')
    options = CheckOptions(archive=archive)
    for environ, size in (({}, 30_000), ({"CTXSIZE_EXEMPT": "app/tmp\n"}, 0)):
        (report,) = check(root, options=options, environ=environ).targets
        assert report.limits[0].value == size


def test_a_pattern_that_can_not_be_meant(root: Path, archive: str) -> None:
    error = checked(root, archive, "wasted=1 B", exempt=("[a",)).error or ""
    assert "--exempt: exempt: " in error


def test_without_such_a_limit_nothing_of_it_is_measured(root: Path, archive: str) -> None:
    assert checked(root, archive, "image=1 GB").sizes.size("wasted") is None


def test_a_line_may_grow_by_so_much(root: Path, archive: str, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    checked(root, archive, "growth.line=1 B", save_baseline=str(baseline))
    grown = layer({"app/a": b"a" * 40_000, "app/tmp": b"t" * 50_000, "root/.cache/pip/http/1": b"p" * 5_000})
    later = str(
        save(tmp_path / "later.tar", [BASE, grown, OWNED, layer({"n": b"n" * 9_000})], [*STEPS, "COPY n /"])
    )
    found = judged(root, later, "growth.line=15 kB", baseline=str(baseline))
    assert (found.value, found.total, found.baseline, found.over) == (20_000, 95_000, 75_000, True)
    assert [(each.path, each.before, each.after, each.kind) for each in found.grew] == [
        ("COPY . /app", 75_000, 95_000, "line")
    ]
    assert not judged(root, later, "growth.line=20 kB", baseline=str(baseline)).over
    share = judged(root, later, "growth.line=50%", baseline=str(baseline))
    assert (share.value, share.limit, share.baseline) == (9_000, 0, 0)  # a new line may add nothing then


def test_the_growth_of_an_image_names_its_lines_first(root: Path, archive: str, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    checked(root, archive, "growth.image=1 B", save_baseline=str(baseline))
    later = str(
        save(tmp_path / "later.tar", [BASE, APP, OWNED, layer({"n": b"n" * 9_000})], [*STEPS, "COPY n /"])
    )
    found = judged(root, later, "growth.image=1 B", baseline=str(baseline))
    assert [(each.path, each.kind) for each in found.grew] == [("COPY n /", "line"), ("/n", "image")]


def test_a_baseline_that_knows_no_lines(root: Path, archive: str, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    target = {"context": {"bytes": 1, "files": 1}, "image": {"bytes": 1, "pull_bytes": 1}, "build": None}
    old.write_text(json.dumps({"schema": 1, "targets": {"shop": target}}))
    found = judged(root, archive, "growth.line=1 B", baseline=str(old))
    assert found.value is None
    assert "does not know the lines" in (found.reason or "")


def test_every_format_says_it_and_the_json_has_the_sizes(root: Path, archive: str) -> None:
    limits = ("wasted=1 B", "reclaimable=1 GB", "leftovers=1 B", "layer=1%")
    report = check(root, options=CheckOptions(limits=limits, archive=archive), environ={})
    for name in FORMATS["check"]:
        text = "".join(drawing("check", name)(report, Look()))
        assert name == "sarif" or "wasted" in text
    document = json.loads("".join(drawing("check", "json")(report, Look())))
    jsonschema.validate(document, json.loads((ROOT / "docs/schema/check-1.json").read_text()))
    sizes = document["targets"][0]["sizes"]
    assert (sizes["wasted_bytes"], sizes["leftover_bytes"], sizes["layer_bytes"]) == (70_000, 5_000, 100_000)


@pytest.mark.parametrize("limit", ["wasted=x", "growth.wasted=1 B", "savings.layer=1 B"])
def test_a_limit_that_there_is_not(root: Path, archive: str, limit: str) -> None:
    with pytest.raises(ConfigError):
        checked(root, archive, limit)
