"""In which order the variants are built, from a log of what ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.engine.footprint.images import HeldImages
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.ignore.types import Dialect
from ctxsize.measure import bench as benches
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.builds import Builds, alternation, build_restored, build_variants
from ctxsize.progress import Progress, Silent


class LoggingBuilder:
    """A builder that only writes down what it was asked to build; ``fails`` names a variant that can't be."""

    name = "logging"
    images: Any = None

    #: What the warm-up does.
    first_steps: tuple[Step, ...] = ()
    undecided = False

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
        first = len(self.log) == 1
        steps, undecided = self.first_steps if first else (), first and self.undecided
        image = f"image-{len(self.log)}"
        return BuildResult(image, self.seconds, steps=steps, sent_bytes=0, undecided=undecided)

    def forget(self) -> bool:
        return True


VARIANTS = {
    name: Variant(name, Path("."), None, frozenset(), Dialect.BUILDKIT) for name in ("with", "without")
}


def bench_of(
    builder: LoggingBuilder, remove_image: Callable[[str], None], limit: float | None = None
) -> Bench:
    """The two variants on ``builder``."""
    plan = SimpleNamespace(is_affected=lambda line: line > 2)
    subject: Any = SimpleNamespace(
        variant=VARIANTS.get, blame_rule=lambda failure: None, key="a project", plan=plan
    )
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
    measured, _ = build(builder, None)

    assert {name: len(each.runs) for name, each in measured.items()} == {"with": runs, "without": runs}


@pytest.mark.parametrize(
    ("seconds", "made_once", "counts"), [(59.0, 0.0, False), (60.0, 0.5, True), (60.0, 0.7, False)]
)
def test_a_long_warm_up_that_made_next_to_nothing_for_later_builds_is_one_of_them(
    seconds: float, made_once: float, counts: bool
) -> None:
    builder = LoggingBuilder(seconds=seconds)
    own = Step("RUN make", seconds - made_once, False, "other", line=3, critical=seconds - made_once)
    once = Step("RUN apt", made_once, False, "other", line=2, critical=made_once)
    builder.first_steps = (once, own)
    measured, _ = build(builder, 3)

    assert builder.log == [*([] if counts else ["with"]), *alternation(3)]
    assert len(measured["with"].runs) == len(measured["without"].runs) == 3


def test_what_has_to_be_seen_without_the_ignore_file_is_looked_at_first() -> None:
    builder = LoggingBuilder(seconds=60.0)
    builder.undecided = True
    build(builder, 2)

    assert builder.log == ["with", "without", "with", "with", "without"]


class Told(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def told(builder: LoggingBuilder, repeat: int | None) -> list[str]:
    progress = Told()
    bench = replace(bench_of(builder, lambda image: None), progress=progress)
    build_variants(bench, {}, repeat=repeat)
    return progress.notes


def test_how_long_it_takes_is_said_after_the_first_build_and_the_next_time_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    builder = LoggingBuilder(seconds=120.0)
    builder.first_steps = (Step("RUN apt", 60.0, False, "other", line=2, critical=60.0),)
    first = told(builder, None)

    assert first == [
        "6 builds, about 6 min if all take as long as the first; --repeat 1: 2 builds, about 2 min",
        "4 builds, about 8 min to go",
    ]
    assert told(LoggingBuilder(seconds=120.0), 1)[0] == "3 builds, about 6 min as last time"
    assert told(LoggingBuilder(seconds=120.0), None)[0] == (
        "6 builds, about 12 min as last time; --repeat 1: 2 builds, about 4 min"
    ), "the warm-up counted"


def test_of_short_builds_nothing_is_said_nor_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    assert told(LoggingBuilder(seconds=1.0), None) == []
    assert not list(tmp_path.rglob("*.json"))


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
