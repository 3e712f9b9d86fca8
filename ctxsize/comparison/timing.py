"""What a handful of noisy build times can honestly say."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

from ctxsize.comparison.types import SecondsSaved

_RESAMPLES = 2000
_SEED = 20260101
#: With fewer runs of each variant an interval would be a guess.
MIN_RUNS = 3


def median_absolute_deviation(values: Sequence[float]) -> float:
    """The median distance from the median: a spread that one slow run does not change."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)


def seconds_saved(with_runs: Sequence[float], without_runs: Sequence[float]) -> SecondsSaved:
    """The difference of the medians (without − with) with a 95 % bootstrap interval.

    Percentile bootstrap of the difference of medians (Efron and Tibshirani, "An Introduction to the
    Bootstrap", ch. 13), widened where the runs of both variants overlap: with so few runs, resampling
    alone underestimates what another run could have shown.
    """
    median = statistics.median(without_runs) - statistics.median(with_runs)
    if min(len(with_runs), len(without_runs)) < MIN_RUNS:
        return SecondsSaved(median=median, low=None, high=None, significant=None)
    # Seeded, so that the same runs always give the same report.
    chance = random.Random(_SEED)
    differences = sorted(
        statistics.median(chance.choices(without_runs, k=len(without_runs)))
        - statistics.median(chance.choices(with_runs, k=len(with_runs)))
        for _ in range(_RESAMPLES)
    )
    low = differences[int(0.025 * _RESAMPLES)]
    high = differences[int(0.975 * _RESAMPLES) - 1]
    if _overlap(with_runs, without_runs):
        low, high = min(low, 0.0), max(high, 0.0)
    return SecondsSaved(median=median, low=low, high=high, significant=not low <= 0.0 <= high)


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return min(one) <= max(other) and min(other) <= max(one)
