"""Growth measured from an image in a registry, whose manifest alone is read, or from any other image."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctxsize.budget.check import CheckOptions, check
from ctxsize.budget.config import load_config
from ctxsize.budget.types import TargetReport
from ctxsize.errors import ConfigError, UsageError
from ctxsize.image.archive import open_archive
from tests.support.registry import Registry
from tests.support.saved_images import layer, save

BASE = layer({"bin/sh": bytes(range(256)) * 400})
OLD, NEW = (layer({"app/a": bytes(range(size)) * 300}) for size in (100, 200))
STEPS = ["FROM base", "COPY . /app # buildkit"]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = Registry()
    found.image(*map(gzip.compress, (BASE, OLD)), steps=[{"created_by": each} for each in STEPS])
    yield found
    found.close()


@pytest.fixture
def new(tmp_path: Path) -> str:
    return str(save(tmp_path / "new.tar", [BASE, NEW], STEPS))


def checked(root: Path, archive: str, *limits: str, **options: Any) -> TargetReport:
    (report,) = check(
        root, options=CheckOptions(limits=limits, archive=archive, **options), environ={}
    ).targets
    return report


def test_the_growth_of_a_pull_from_the_manifest_alone(root: Path, registry: Registry, new: str) -> None:
    (found,) = checked(root, new, "growth.pull=1 B", against={"": registry.name()}).limits
    with open_archive(Path(new)) as reader:
        (now,) = (image.pull_bytes for image in reader.images.values())
    before = sum(len(gzip.compress(each)) for each in (BASE, OLD))
    assert (found.baseline, found.total, found.value) == (before, now, now - before)
    assert len(registry.asked) == 2  # the manifest, the configuration
    assert "COPY . /app" in [each.path for each in found.grew] or now <= before


def test_what_a_registry_does_not_know(root: Path, registry: Registry, new: str) -> None:
    report = checked(root, new, "growth.image=1 B", "growth.line=1 B", against={"": registry.name()})
    assert [each.value for each in report.limits] == [None, None]
    assert all("a registry knows `pull` alone" in (each.hint or "") for each in report.limits)
    assert report.exit_code == 2


def test_an_archive_knows_everything(root: Path, tmp_path: Path, new: str) -> None:
    old = str(save(tmp_path / "old.tar", [BASE, OLD], STEPS))
    report = checked(root, new, "growth.image=1 B", "growth.line=1 B", against={"": old})
    assert [each.value for each in report.limits] == [30_000, 30_000]


def test_the_context_is_still_measured_from_the_baseline(
    root: Path, tmp_path: Path, registry: Registry, new: str
) -> None:
    baseline = str(tmp_path / "baseline.json")
    checked(root, new, save_baseline=baseline)
    (root / "more").write_bytes(bytes(1000))
    limits = ("growth.context=10 B", "growth.pull=1 GB")
    report = checked(root, new, *limits, baseline=baseline, against={"": registry.name()})
    context, pull = report.limits
    assert (context.name, context.value, context.over) == ("growth.context", 1000, True)
    assert pull.baseline == sum(len(gzip.compress(each)) for each in (BASE, OLD))


def test_an_image_that_is_not_there_is_an_error_and_no_growth(
    root: Path, registry: Registry, new: str
) -> None:
    limits = ("image=1 GB", "growth.pull=1 B")
    report = checked(root, new, *limits, against={"": registry.name("other")})
    assert "no such image" in (report.error or "")
    assert [each.value is None for each in report.limits] == [False, True]
    assert report.exit_code == 2


def test_it_is_in_the_configuration_by_target(root: Path, registry: Registry, new: str) -> None:
    (root / ".ctxsize.toml").write_text(
        f'against = "{registry.name()}"\n[budget]\ngrowth = {{ pull = "1 GB" }}\n'
    )
    (report,) = check(root, options=CheckOptions(archive=new), environ={}).targets
    assert report.limits[0].baseline
    assert report.exit_code == 0


def test_a_configuration_names_no_file(root: Path) -> None:
    (root / ".ctxsize.toml").write_text('against = "/etc/passwd"\n')
    with pytest.raises(ConfigError, match=r"\.ctxsize\.toml:1: against must be registry://"):
        load_config(root)


def test_one_image_for_several_targets(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(UsageError, match="--against names an image for one target"):
        check(root, other, options=CheckOptions(limits=("growth.pull=1 B",), against={"": "x"}), environ={})
