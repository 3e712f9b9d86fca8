"""In which order the variants are built, from a log of what ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.footprint.images import HeldImages
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.ignore.types import Dialect
from ctxsize.measure import bench as benches
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.builds import Builds, build_restored, build_variants
from ctxsize.progress import Progress, Silent


class LoggingBuilder:
    """A builder that only writes down what it was asked to build; ``fails`` names a variant that can't be."""

    name = "logging"

    def __init__(self, seconds: float = 1.0, fails: str | None = None, gone_after: int | None = None) -> None:
        self.log: list[str] = []
        self.seconds = seconds
        self.fails = fails
        self.gone_after = gone_after

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        self.log.append(variant.name)
        if self.gone_after is not None and len(self.log) > self.gone_after:
            raise EngineError("the engine went away")
        if variant.name == self.fails:
            raise BuildFailed("no")
        return BuildResult(f"image-{len(self.log)}", self.seconds, steps=(), sent_bytes=0)

    def forget(self) -> bool:
        return True


VARIANTS = {
    name: Variant(name, Path("."), None, frozenset(), Dialect.BUILDKIT) for name in ("with", "without")
}


def bench_of(
    builder: LoggingBuilder, remove_image: Callable[[str], None], limit: float | None = None
) -> Bench:
    """The two variants on ``builder``."""
    subject: Any = SimpleNamespace(variant=VARIANTS.get, blame_rule=lambda failure: None)
    run: Any = SimpleNamespace(images=HeldImages(remove_image))
    return Bench(subject, run, builder, TimeLimit(limit), Silent())


def build(
    builder: LoggingBuilder, repeat: int | None, limit: float | None = None
) -> tuple[dict[str, Builds], list[str]]:
    removed: list[str] = []
    measured: dict[str, Builds] = {}
    build_variants(bench_of(builder, removed.append, limit), measured, repeat=repeat)
    return measured, removed


def test_after_a_warm_up_the_variants_alternate_so_that_drift_falls_on_both() -> None:
    builder = LoggingBuilder()
    build(builder, 3)

    warm_up, *timed = builder.log
    assert warm_up == "with"
    assert timed == ["with", "without", "without", "with", "with", "without"]


def test_the_warm_up_does_not_count() -> None:
    measured, _ = build(LoggingBuilder(), 3)

    assert {name: len(result.runs) for name, result in measured.items()} == {"with": 3, "without": 3}


@pytest.mark.parametrize(
    ("seconds", "runs"), [(0.2, 10), (1.0, 10), (1.5, 6), (4.0, 5), (9.9, 5), (10.1, 3), (600.0, 3)]
)
def test_the_shorter_a_build_the_more_of_them(seconds: float, runs: int) -> None:
    builder = LoggingBuilder(seconds=seconds)
    build(builder, None)

    assert builder.log[1:].count("with") == builder.log.count("without") == runs


def test_an_image_that_a_later_build_gives_again_stays() -> None:
    class Same(LoggingBuilder):
        def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
            return replace(super().build(variant, progress=progress, rebuild=rebuild), image_id="image")

    measured, removed = build(Same(), 2)

    assert [each.image_id for each in measured.values()] == ["image", "image"]
    assert removed == []


def test_the_first_image_of_each_variant_is_kept_and_every_other_removed() -> None:
    measured, removed = build(LoggingBuilder(), 2)

    assert (measured["with"].image_id, measured["without"].image_id) == ("image-1", "image-3")
    assert removed == ["image-2", "image-4", "image-5"]


@pytest.mark.parametrize("fails", ["with", "without"])
def test_a_variant_that_fails_is_not_tried_again_and_the_other_keeps_its_numbers(fails: str) -> None:
    builder = LoggingBuilder(fails=fails)
    measured, _ = build(builder, 3)
    other = "without" if fails == "with" else "with"

    assert builder.log.count(fails) == 1
    assert isinstance(measured[fails].failure, BuildFailed)
    assert measured[other].failure is None
    assert len(measured[other].runs) == 1


def test_an_engine_that_goes_away_between_builds_loses_no_result() -> None:
    measured, _ = build(LoggingBuilder(gone_after=3), 3)

    assert len(measured["with"].runs) == 1
    assert len(measured["without"].runs) == 1
    assert isinstance(measured["without"].failure, EngineError)


# The time limit


class Clock:
    """A clock that stands still but for what the builder takes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(benches.time, "monotonic", lambda: self.now)


class SlowBuilder(LoggingBuilder):
    """Moves ``clock`` by ``seconds`` each build."""

    def __init__(self, clock: Clock, seconds: float, fails: str | None = None) -> None:
        super().__init__(seconds, fails)
        self.clock = clock

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        self.clock.now += self.seconds
        return super().build(variant, progress=progress, rebuild=rebuild)


@pytest.mark.parametrize(
    ("limit", "log", "cut_short"),
    [
        (0.5, ["with", "with", "without"], True),
        (39.9, ["with", "with", "without"], True),
        (40.0, ["with", "with", "without", "without"], True),
        (59.9, ["with", "with", "without", "without", "with"], True),
        (70.0, ["with", "with", "without", "without", "with", "with", "without"], False),
        (None, ["with", "with", "without", "without", "with", "with", "without"], False),
    ],
)
def test_no_build_starts_that_would_not_end_in_time_but_one_of_each_variant(
    monkeypatch: pytest.MonkeyPatch, limit: float | None, log: list[str], cut_short: bool
) -> None:
    builder = SlowBuilder(Clock(monkeypatch), 10.0)
    measured, _ = build(builder, 3, limit)

    assert builder.log == log
    assert {each.cut_short for each in measured.values()} == {cut_short}


# One path no longer ignored

RESTORED = {
    name: Variant(name, Path("."), None, frozenset(), Dialect.BUILDKIT)
    for name in ("with", "with a", "with b")
}


def restored(
    builder: LoggingBuilder, runs: int, limit: float | None = None
) -> tuple[dict[str, Builds], list[str]]:
    removed: list[str] = []
    measured = build_restored(bench_of(builder, removed.append, limit), RESTORED, runs=runs)
    return measured, removed


def test_all_variants_take_turns_and_every_other_round_backwards() -> None:
    builder = LoggingBuilder()
    measured, removed = restored(builder, 3)

    there, back = ["with", "with a", "with b"], ["with b", "with a", "with"]
    assert builder.log == [*there, *back, *there]
    assert {len(each.runs) for each in measured.values()} == {3}
    assert sorted(removed) == sorted(f"image-{number}" for number in range(1, 10)), "no image is kept"


def test_one_that_fails_is_not_tried_again() -> None:
    builder = LoggingBuilder(fails="with a")
    measured, _ = restored(builder, 3)

    assert builder.log.count("with a") == 1
    assert isinstance(measured["with a"].failure, BuildFailed)
    assert len(measured["with b"].runs) == 3


@pytest.mark.parametrize(("limit", "built"), [(0.5, 3), (59.9, 3), (60.0, 6), (89.9, 6)])
def test_no_round_starts_that_would_not_end_in_time(
    monkeypatch: pytest.MonkeyPatch, limit: float, built: int
) -> None:
    """Three builds of 10 s a round; the first one is made."""
    builder = SlowBuilder(Clock(monkeypatch), 10.0)
    measured, _ = restored(builder, 3, limit=limit)

    assert len(builder.log) == built
    assert all(each.cut_short for each in measured.values())
