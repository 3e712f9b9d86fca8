"""What is said about the build times, word for word."""

from __future__ import annotations

import pytest

from ctxsize.comparison.timing_warnings import timing_warnings
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.errors import BuildFailed
from ctxsize.measure.builds import Builds
from ctxsize.warning import Warning


def measured(*times: float, cut_short: bool = False) -> Builds:
    return Builds("image", [BuildResult("image", t, (), 0) for t in times], cut_short=cut_short)


def warnings(with_: Builds, without: Builds) -> list[Warning]:
    return list(timing_warnings({"with": with_, "without": without}))


def test_steady_times_need_no_word() -> None:
    assert warnings(measured(1.0, 1.1, 0.9), measured(2.0, 2.1, 1.9)) == []


def test_a_variant_that_failed_has_no_times_to_speak_of() -> None:
    assert warnings(Builds(failure=BuildFailed("no")), measured(2.0)) == []


def test_a_slow_first_build() -> None:
    assert warnings(measured(1.0, 1.1, 0.9), measured(9.0, 2.0, 2.1, 1.9, 2.05)) == [
        Warning(
            "slow-first-run",
            "the first build without the ignore file took 9.00 s, the median is 2.05 s: its files were"
            " probably not in memory yet; with more builds (--repeat 10) it weighs less",
        )
    ]


def test_a_fast_first_build_is_an_outlier_like_any_other() -> None:
    (found,) = warnings(measured(0.2, 2.0, 2.02, 1.98, 2.01), measured(1.0, 1.0, 1.0))

    assert found.code == "outliers"
    assert "0.20 s, the median is 2.00 s: which of the two is usual, more builds show" in found.message


def test_outliers() -> None:
    assert warnings(measured(1.0, 5.0, 1.01, 1.0, 7.0, 0.99, 1.0), measured(3.0, 3.1, 2.9)) == [
        Warning(
            "outliers",
            "builds with the ignore file took 5.00 s, 7.00 s, the median is 1.00 s: something else used the"
            " machine or the engine; try again when it is quiet, or with more builds (--repeat 14)",
        )
    ]


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (1, "the time limit left 1 timed build of each variant, too few for an interval"),
        (2, "the time limit left 2 timed builds of each variant, too few for an interval"),
        (3, "the time limit left 3 timed builds of each variant"),
    ],
)
def test_a_time_limit_that_left_out_builds(runs: int, message: str) -> None:
    cut = warnings(measured(*[1.0] * runs, cut_short=True), measured(*[2.0] * (runs + 1), cut_short=True))

    assert cut == [Warning("max-time", f"{message}; a larger --max-time gives more")]
