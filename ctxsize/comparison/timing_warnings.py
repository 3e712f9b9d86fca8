"""What to know about the measured build times, and what to do about it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from ctxsize.measure.builds import Builds
from ctxsize.measure.timing import MIN_RUNS, outliers
from ctxsize.units import format_seconds
from ctxsize.warning import Warning


def timing_warnings(builds: Mapping[str, Builds]) -> Iterator[Warning]:
    """Outliers, a slow first build, and builds that the time limit left out."""
    for name, variant in builds.items():
        times = variant.times
        found = outliers(times)
        if not found:
            continue
        middle = format_seconds(statistics.median(times))
        slow = [times[index] for index in found if times[index] > statistics.median(times)]
        shown = ", ".join(format_seconds(times[index]) for index in found)
        if not slow:
            yield Warning(
                "outliers",
                f"builds {name} the ignore file took {shown}, the median is {middle}: which of the two is"
                f" usual, more builds show (--repeat {2 * len(times)})",
            )
        elif found == (0,):
            yield Warning(
                "slow-first-run",
                f"the first build {name} the ignore file took {format_seconds(times[0])}, the median is"
                f" {middle}: its files were probably not in memory yet; with more builds"
                f" (--repeat {2 * len(times)}) it weighs less",
            )
        else:
            yield Warning(
                "outliers",
                f"builds {name} the ignore file took {shown}, the median is {middle}: something else used the"
                " machine or the engine; try again when it is quiet, or with more builds"
                f" (--repeat {2 * len(times)})",
            )
    if any(variant.cut_short for variant in builds.values()):
        runs = min(len(variant.runs) for variant in builds.values())
        left = "1 timed build" if runs == 1 else f"{runs} timed builds"
        consequence = "" if runs >= MIN_RUNS else ", too few for an interval"
        yield Warning(
            "max-time",
            f"the time limit left {left} of each variant{consequence}; a larger --max-time gives more",
        )
