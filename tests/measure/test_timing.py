"""What a handful of noisy build times can honestly say."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctxsize.measure.timing import median_absolute_deviation, outliers, seconds_saved


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
    saved = seconds_saved([3.0, 3.1, 3.2], [1.0, 1.1, 1.2])

    assert saved.median == pytest.approx(-2.0)
    assert saved.high is not None and saved.high < 0
    assert saved.significant


def test_the_same_runs_always_give_the_same_interval() -> None:
    runs = ([1.0, 1.2, 1.1, 1.3], [2.0, 2.5, 2.2, 2.3])

    assert seconds_saved(*runs) == seconds_saved(*runs)


@pytest.mark.parametrize(("runs", "least_found"), [(3, 32), (5, 39), (10, 40)])
def test_noise_alone_is_seldom_taken_for_a_difference_and_a_fifth_of_the_build_is_seldom_missed(
    runs: int, least_found: int
) -> None:
    """With a spread of 5 %, as on a quiet machine: 1 false alarm in 20 at most. Three runs miss more."""
    chance = random.Random(7)

    def times(mean: float) -> list[float]:
        return [chance.gauss(mean, 0.05 * mean) for _ in range(runs)]

    false_alarms = sum(bool(seconds_saved(times(1.0), times(1.0)).significant) for _ in range(40))
    found = sum(bool(seconds_saved(times(0.8), times(1.0)).significant) for _ in range(40))

    assert false_alarms <= 2
    assert found >= least_found


_RUNS = st.lists(st.floats(0.1, 100.0), min_size=3, max_size=6)


@settings(max_examples=20, deadline=None)
@given(_RUNS, _RUNS)
def test_the_interval_holds_the_difference_and_is_significant_when_it_leaves_out_zero(
    with_runs: list[float], without_runs: list[float]
) -> None:
    saved = seconds_saved(with_runs, without_runs)

    assert saved.low is not None and saved.high is not None
    assert saved.low - 1e-9 <= saved.median <= saved.high + 1e-9
    assert saved.significant == (saved.low > 0 or saved.high < 0)


@settings(max_examples=10, deadline=None)
@given(_RUNS, _RUNS)
def test_a_build_that_is_slower_in_both_variants_alike_changes_nothing(
    with_runs: list[float], without_runs: list[float]
) -> None:
    first = seconds_saved(with_runs, without_runs)
    slower = seconds_saved([run + 50.0 for run in with_runs], [run + 50.0 for run in without_runs])

    assert (slower.median, slower.low, slower.high) == pytest.approx((first.median, first.low, first.high))


def test_three_runs_are_at_least_as_uncertain_as_their_means() -> None:
    """Welch's t interval of 2.0 ± 2.776 × 0.0816, by hand: resampling three values can't know that much."""
    saved = seconds_saved([1.0, 1.1, 1.2], [3.0, 3.1, 3.2])

    assert saved.low is not None and saved.high is not None
    assert saved.low <= 2.0 - 2.776 * 0.0816
    assert saved.high >= 2.0 + 2.776 * 0.0816


def test_the_interval_is_expanded_for_small_samples() -> None:
    """Ten runs each, of which the plain 95 % of the resampled medians would be 0.65 to 1.4."""
    runs = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]
    saved = seconds_saved(runs, [run + 1.0 for run in runs])

    assert (saved.low, saved.high) == (pytest.approx(0.6), pytest.approx(1.45))


def test_runs_that_are_all_the_same_have_an_interval_of_no_width() -> None:
    saved = seconds_saved([1.0] * 3, [2.0] * 3)

    assert (saved.median, saved.low, saved.high, saved.significant) == (1.0, 1.0, 1.0, True)


def test_another_number_of_runs_of_each_variant_will_do() -> None:
    saved = seconds_saved([1.0, 1.1, 1.0], [2.0, 2.1, 2.0, 2.2])

    assert saved.significant


OUTLIERS = [
    # the runs, which of them are outliers
    ([], ()),
    ([1.0, 9.0], ()),
    ([1.0, 1.1, 0.9, 1.05], ()),
    ([5.0, 1.0, 1.1, 0.9, 1.05], (0,)),
    ([1.0, 1.1, 0.1, 0.95, 1.05, 9.0], (5,)),
    ([1.0, 1.01, 1.0, 5.0, 0.99, 7.0, 1.0], (3, 5)),
    ([10.0, 1.0, 10.1, 9.9, 10.05], (1,)),
    # a tenth more is no outlier, however alike the others are
    ([1.0, 1.0, 1.0, 1.1], ()),
    ([1.0, 1.0, 1.0, 1.2], (3,)),
    # half of the runs are slow: the spread is as wide as that
    ([1.0, 1.0, 5.0, 5.0], ()),
]


@pytest.mark.parametrize(("runs", "expected"), OUTLIERS)
def test_outliers(runs: list[float], expected: tuple[int, ...]) -> None:
    assert outliers(runs) == expected
