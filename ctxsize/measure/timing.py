"""What a handful of noisy build times can honestly say."""

from __future__ import annotations

import math
import random
import statistics
from bisect import bisect_right
from collections.abc import Sequence

from ctxsize.measure.figures import SecondsSaved

#: With fewer runs of each variant an interval would be a guess.
MIN_RUNS = 3
_RESAMPLES = 2000
_SEED = 20260101
#: Below this many runs the few values there are repeat too often for resampling alone.
_RUNS_FOR_BOOTSTRAP = 5
#: Student's t for 95 % (two-sided) by degrees of freedom; what lies between two rows takes the wider one.
_STUDENT = (
    *((1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365), (8, 2.306)),
    *((9, 2.262), (10, 2.228), (12, 2.179), (14, 2.145), (16, 2.120), (18, 2.101), (20, 2.086), (30, 2.042)),
    (60, 2.0),
)
#: A run this many (scaled) median absolute deviations from the median is an outlier: the modified Z-score
#: of Iglewicz and Hoaglin, with hyperfine's bound, which is far stricter than their 3.5.
_OUTLIER = 14.826
_SCALE = 0.6745
#: … if it is also this part of the median away: a spread of next to nothing makes everything an outlier.
_OUTLIER_SHARE = 0.15


def median_absolute_deviation(values: Sequence[float]) -> float:
    """The median distance from the median: a spread that one slow run does not change."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)


def seconds_saved(with_runs: Sequence[float], without_runs: Sequence[float]) -> SecondsSaved:
    """The difference of the medians (without − with) with a 95 % interval.

    The interval is the percentile bootstrap of the difference of medians, expanded for small samples
    (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, section 5.3). With three or four runs
    each it is at least as wide as Welch's t interval of the means.
    """
    median = statistics.median(without_runs) - statistics.median(with_runs)
    runs = min(len(with_runs), len(without_runs))
    if runs < MIN_RUNS:
        return SecondsSaved(median=median, low=None, high=None, significant=None)
    low, high = _bootstrap(with_runs, without_runs, runs)
    if runs < _RUNS_FOR_BOOTSTRAP:
        middle, half = _welch(with_runs, without_runs)
        low, high = min(low, middle - half), max(high, middle + half)
    return SecondsSaved(median=median, low=low, high=high, significant=not low <= 0.0 <= high)


def _bootstrap(with_runs: Sequence[float], without_runs: Sequence[float], runs: int) -> tuple[float, float]:
    # Seeded, so that the same runs always give the same report.
    chance = random.Random(_SEED)
    drawn = sorted(
        statistics.median(chance.choices(without_runs, k=len(without_runs)))
        - statistics.median(chance.choices(with_runs, k=len(with_runs)))
        for _ in range(_RESAMPLES)
    )
    expanded = _student(2 * runs - 2) * math.sqrt(runs / (runs - 1))
    tail = int((1 - statistics.NormalDist().cdf(expanded)) * _RESAMPLES)
    return drawn[tail], drawn[-1 - tail]


def outliers(runs: Sequence[float]) -> tuple[int, ...]:
    """The indexes of the runs that are far slower or faster than the others."""
    if len(runs) < MIN_RUNS:
        return ()
    middle, spread = statistics.median(runs), median_absolute_deviation(runs)
    return tuple(
        index
        for index, value in enumerate(runs)
        if abs(value - middle) > _OUTLIER_SHARE * middle and _SCALE * abs(value - middle) > _OUTLIER * spread
    )


def _welch(with_runs: Sequence[float], without_runs: Sequence[float]) -> tuple[float, float]:
    """The difference of the means and half the width of its interval (Welch 1947)."""
    parts = [statistics.variance(runs) / len(runs) for runs in (with_runs, without_runs)]
    error = sum(parts)
    if error == 0.0:
        return statistics.fmean(without_runs) - statistics.fmean(with_runs), 0.0
    freedom = error**2 / sum(
        part**2 / (len(runs) - 1) for part, runs in zip(parts, (with_runs, without_runs), strict=True)
    )
    middle = statistics.fmean(without_runs) - statistics.fmean(with_runs)
    return middle, _student(freedom) * math.sqrt(error)


def _student(freedom: float) -> float:
    row = bisect_right(_STUDENT, freedom, key=lambda pair: pair[0]) - 1
    return _STUDENT[max(row, 0)][1]
