"""What a handful of noisy build times can honestly say."""

from __future__ import annotations

import random

import pytest

from ctxsize.comparison.timing import median_absolute_deviation, seconds_saved


def test_the_spread_is_not_moved_by_one_slow_run() -> None:
    assert median_absolute_deviation([1.0, 1.1, 0.9, 1.0, 60.0]) == pytest.approx(0.1)


def test_two_runs_are_too_few_for_an_interval() -> None:
    saved = seconds_saved([1.0, 1.1], [3.0, 3.1])

    assert saved.median == pytest.approx(2.0)
    assert (saved.low, saved.high, saved.significant) == (None, None, None)


def test_runs_that_overlap_are_no_measurable_difference() -> None:
    saved = seconds_saved([1.0, 1.1, 1.2], [1.1, 1.3, 1.4])

    assert saved.significant is False
    assert saved.low is not None and saved.high is not None
    assert saved.low <= 0 <= saved.high


def test_a_clear_difference_is_found_and_its_interval_holds_the_median() -> None:
    saved = seconds_saved([1.0, 1.1, 1.05, 0.95, 1.0], [2.0, 2.2, 2.1, 1.9, 2.0])

    assert saved.significant is True
    assert saved.low is not None and saved.high is not None
    assert 0.8 < saved.low <= saved.median <= saved.high < 1.3


def test_an_ignore_file_that_costs_time_is_a_negative_saving() -> None:
    assert seconds_saved([3.0, 3.1, 3.2], [1.0, 1.1, 1.2]).median < 0


def test_the_same_runs_always_give_the_same_interval() -> None:
    runs = ([1.0, 1.2, 1.1, 1.3], [2.0, 2.5, 2.2, 2.3])

    assert seconds_saved(*runs) == seconds_saved(*runs)


def test_noise_alone_is_seldom_taken_for_a_difference_and_a_fifth_of_the_build_is_seldom_missed() -> None:
    """With 5 runs each and a spread of 5 %, as on a quiet machine: at most 1 in 20 wrong, either way."""
    chance = random.Random(7)

    def runs(mean: float) -> list[float]:
        return [chance.gauss(mean, 0.05 * mean) for _ in range(5)]

    false_alarms = sum(bool(seconds_saved(runs(1.0), runs(1.0)).significant) for _ in range(80))
    found = sum(bool(seconds_saved(runs(1.0), runs(1.25)).significant) for _ in range(80))

    assert false_alarms <= 4
    assert found >= 76
