"""The order of rebuilds: one change on top of another, as somebody works."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.footprint.images import HeldImages
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.ignore.types import Dialect
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.progress import Progress, Silent
from ctxsize.rebuild.builds import Rebuilt, rebuild_variant
from ctxsize.rebuild.edits import Lengthened


class LoggingBuilder:
    """Records what it was to build; images are named for what was built, as an engine's are."""

    name = "logging"
    images: Any = None

    def __init__(self, seconds: float = 1.0, fails: str | None = None) -> None:
        self.log: list[dict[str, int]] = []
        self.seconds = seconds
        self.fails = fails

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        assert rebuild
        self.log.append({path: len(tail) for path, tail in variant.changes.appended.items()})
        if self.fails in variant.changes.appended:
            raise BuildFailed("no")
        return BuildResult(str(self.log[-1]), self.seconds, steps=(), sent_bytes=0)

    def forget(self) -> bool:
        return True


VARIANT = Variant("without", Path("."), None, frozenset(), Dialect.BUILDKIT)


def rebuild(
    builder: LoggingBuilder, *names: str, repeat: int | None = 2, limit: float | None = None
) -> tuple[Rebuilt, list[str]]:
    removed: list[str] = []
    run: Any = SimpleNamespace(images=HeldImages(removed.append))
    subject: Any = None
    bench = Bench(subject, run, builder, TimeLimit(limit), Silent())
    edits = [Lengthened(name) if name else None for name in names]
    return rebuild_variant(bench, VARIANT, edits, repeat=repeat), removed


def test_each_change_comes_on_top_of_those_before_it() -> None:
    builder = LoggingBuilder()
    rebuilt, removed = rebuild(builder, "a", "b")
    first, *unchanged = builder.log[:3]
    assert (first, unchanged) == ({}, [{}, {}])
    assert builder.log[3:] == [{"a": 1}, {"a": 2}, {"a": 2, "b": 1}, {"a": 2, "b": 2}]
    assert [len(results) for results in rebuilt.changed if isinstance(results, list)] == [2, 2]
    assert removed == [str(state) for state in builder.log[2:-1]], "the same image again is not removed"


def test_a_change_that_breaks_the_build_is_taken_back() -> None:
    builder = LoggingBuilder(fails="a")
    rebuilt, _ = rebuild(builder, "a", "b")
    assert isinstance(rebuilt.changed[0], BuildFailed)
    assert builder.log[3:] == [{"a": 1}, {"b": 1}, {"b": 2}]


def test_a_variant_that_does_not_build_at_all_is_an_error() -> None:
    class Failing(LoggingBuilder):
        def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
            raise BuildFailed("no")

    with pytest.raises(BuildFailed):
        rebuild(Failing(), "a")


@pytest.mark.parametrize(("seconds", "repeat", "builds"), [(1.0, None, 3), (11.0, None, 1), (11.0, 4, 4)])
def test_a_long_build_is_made_once_unless_the_user_says_otherwise(
    seconds: float, repeat: int | None, builds: int
) -> None:
    rebuilt, _ = rebuild(LoggingBuilder(seconds), "a", repeat=repeat)
    assert [len(rebuilt.unchanged), *map(len, filter(None, rebuilt.changed))] == [builds, builds]  # type: ignore[arg-type]


def test_an_edit_that_can_not_be_made_is_passed_over() -> None:
    builder = LoggingBuilder()
    rebuilt, _ = rebuild(builder, "", "b", repeat=1)
    assert rebuilt.changed[0] is None
    assert builder.log == [{}, {}, {"b": 1}]


def test_without_time_left_only_what_comes_before_the_first_change_is_built() -> None:
    builder = LoggingBuilder()
    rebuilt, _ = rebuild(builder, "a", "b", repeat=3, limit=0.5)
    assert builder.log == [{}, {}]
    assert (len(rebuilt.unchanged), rebuilt.changed) == (1, [])


def test_what_was_measured_before_the_engine_went_away_is_kept() -> None:
    class Leaving(LoggingBuilder):
        def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
            if "b" in variant.changes.appended:
                raise EngineError("the engine went away")
            return super().build(variant, progress=progress, rebuild=rebuild)

    rebuilt, _ = rebuild(Leaving(), "a", "b", "c")
    assert len(rebuilt.unchanged) == 2
    assert [len(results) for results in rebuilt.changed if isinstance(results, list)] == [2]
    assert str(rebuilt.lost) == "the engine went away"
