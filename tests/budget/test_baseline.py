"""Baselines come back as they were saved; what is no baseline is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ctxsize.budget.baseline import load_baseline, save_baseline
from ctxsize.errors import ConfigError, UsageError
from ctxsize.measure.target import LargestPaths, MeasuredTarget

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/baseline-1.json").read_text())
FULL = MeasuredTarget(
    context_bytes=10,
    context_files=2,
    context_paths=LargestPaths({"": 10, "src": 9}, complete=True),
    image_bytes=100,
    pull_bytes=40,
    image_paths=LargestPaths({"/usr": 90}),
    runs=(1.5, 2.0),
)


def test_round_trip_within_the_schema(tmp_path: Path) -> None:
    targets = {"api": FULL, "static": MeasuredTarget(context_bytes=1, context_files=1)}
    save_baseline(tmp_path / "b.json", targets, "2026-01-01T00:00:00+00:00")
    jsonschema.validate(json.loads((tmp_path / "b.json").read_text()), SCHEMA)
    assert load_baseline(tmp_path / "b.json").targets == targets
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_a_baseline_of_one_is_for_the_only_target_whatever_its_name(tmp_path: Path) -> None:
    save_baseline(tmp_path / "b.json", {"checkout-1": FULL}, "")
    baseline = load_baseline(tmp_path / "b.json")
    assert baseline.past("checkout-2", alone=True) == FULL
    assert baseline.past("checkout-2", alone=False) is None


def test_a_comparison_is_a_baseline(tmp_path: Path) -> None:
    with_ = {
        "context": {"files": 7, "dirs": 1, "bytes": 70, "needed_bytes": None, "sent_bytes": 80},
        "image": {"id": "x", "bytes": 700, "engine_bytes": 700, "pull_bytes": 300, "layers": 2, "tag": None},
        "build": {"seconds": 1.0, "runs": [1.0, 1.1, 0.9], "spread": 0.1, "phases": {}, "steps": []},
        "verify": None,
        "error": None,
    }
    document = {"schema": 1, "project": {"context": "shop"}, "variants": {"with": with_, "without": {}}}
    (tmp_path / "c.json").write_text(json.dumps(document))
    past = load_baseline(tmp_path / "c.json").past("anything", alone=True)
    assert past == MeasuredTarget(70, 7, image_bytes=700, pull_bytes=300, runs=(1.0, 1.1, 0.9))


def test_a_comparison_whose_build_failed_knows_no_image(tmp_path: Path) -> None:
    with_ = {"context": {"files": 7, "bytes": 70}, "image": None, "build": None, "error": "no"}
    document = {"schema": 1, "project": {"context": "shop"}, "variants": {"with": with_}}
    (tmp_path / "c.json").write_text(json.dumps(document))
    assert load_baseline(tmp_path / "c.json").past("", alone=True) == MeasuredTarget(70, 7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the baseline is not JSON"),
        ("{\n]", "the baseline is not JSON"),
        ("[" * 100_000, "the baseline is not JSON"),
        ("[]", "the file is no baseline that this version reads"),
        ('{"schema": 2, "targets": {}}', "the file is no baseline that this version reads"),
        ('{"schema": 1, "targets": []}', "the file is no baseline that this version reads"),
        ('{"schema": 1, "targets": {"a": 1}}', "'a' is not as in a baseline"),
        ('{"schema": 1, "targets": {"a": {"context": {"bytes": -1}}}}', "'bytes' is not as in a baseline"),
        ('{"schema": 1, "targets": {"a": {"context": {"bytes": true}}}}', "'bytes' is not as in a baseline"),
        ('{"schema": 1, "targets": {"a": {"context": {"paths": [{}]}}}}', "'paths' is not as in a baseline"),
        (
            '{"schema": 1, "targets": {"a": {"context": {}, "build": {"runs": [NaN]}}}}',
            "'runs' is not as in a baseline",
        ),
        ('{"schema": 1, "variants": {"with": {}}}', "'project' is not as in a baseline"),
    ],
)
def test_what_is_no_baseline(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(ConfigError) as error:
        load_baseline(tmp_path / "b.json")
    assert error.value.message == message
    assert error.value.hint is not None


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: No such file or directory"):
        load_baseline(tmp_path / "none.json")


def test_a_baseline_that_cant_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be written"):
        save_baseline(tmp_path / "none" / "b.json", {"a": FULL}, "")
    assert list(tmp_path.iterdir()) == []
