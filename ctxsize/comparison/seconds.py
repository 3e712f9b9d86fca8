"""Build time divided over the ignored roots: what each of them costs in each part of a build.

Bytes alone do not predict time, so each phase has a cost per entry, calibrated on the same engine in the same
run, and a cost per byte: what the entries leave of the phase's measured difference. What a root puts into a
part, at these costs, is its weight there; the measured difference of each part is divided in proportion to
the weights. What no root explains stays unattributed.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ctxsize.engine.builders.interface import BuildResult, Part
from ctxsize.measure.figures import Cost, SecondsSaved
from ctxsize.measure.timing import seconds_saved


@dataclass(frozen=True, slots=True)
class Load:
    """What a root puts into one part of a build: ``bytes``, and ``entries`` (files and directories)."""

    bytes: int
    entries: int

    def __add__(self, other: Load) -> Load:
        return Load(self.bytes + other.bytes, self.entries + other.entries)


#: For each part of a build, what each ignored root puts into it.
Loads = Mapping[Part, Mapping[str, Load]]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds with a 95 % interval; ``low`` and ``high`` are None with too few runs for one.

    ``measured``: with dedicated builds of this one path, not by dividing a total.
    """

    median: float
    low: float | None
    high: float | None
    measured: bool = False


@dataclass(frozen=True, slots=True)
class DividedSeconds:
    """The measured difference by root; ``unattributed`` is what is left of it. ``costs`` are those of each
    phase, by which it was divided."""

    roots: Mapping[str, Seconds]
    unattributed: float
    costs: Mapping[str, Cost]


def phase_costs(
    with_runs: Sequence[BuildResult],
    without_runs: Sequence[BuildResult],
    loads: Loads,
    per_entry: Mapping[str, float],
) -> dict[str, Cost]:
    """The costs of each phase that has loads. ``per_entry`` has the seconds of an entry by phase, as it was
    calibrated. What the entries do not explain of a phase's difference is what its bytes took."""
    seconds: dict[str, float] = defaultdict(float)
    whole: dict[str, Load] = defaultdict(lambda: Load(0, 0))
    for part, by_root in loads.items():
        # The median alone: the interval takes a bootstrap, which `divide` makes.
        with_, without = (statistics.median(_seconds(part, runs)) for runs in (with_runs, without_runs))
        seconds[part.phase] += without - with_
        whole[part.phase] = sum(by_root.values(), whole[part.phase])
    costs = {}
    for phase, load in whole.items():
        left = max(seconds[phase] - load.entries * per_entry[phase], 0.0)
        costs[phase] = Cost(left / load.bytes if load.bytes else 0.0, per_entry[phase])
    return costs


def divide(
    with_runs: Sequence[BuildResult],
    without_runs: Sequence[BuildResult],
    loads: Loads,
    costs: Mapping[str, Cost],
    measured: Mapping[str, Seconds] | None = None,
) -> DividedSeconds:
    """Divide the difference of the medians (without − with, seconds) over the roots in ``loads``.

    ``costs`` are by phase; a part of several roots whose phase has none, or that no root puts anything
    into, is left unattributed. ``measured`` are the roots that were measured with dedicated builds: those
    figures stand, and what they differ by from their share becomes unattributed.
    """
    saved = {part: _difference(part, with_runs, without_runs) for part in loads}
    estimates: dict[str, Seconds] = {}
    for part, by_root in loads.items():
        for root, share in _shares(by_root, costs.get(part.phase)).items():
            estimates[root] = _plus(estimates.get(root), saved[part], share)
    roots = {**estimates, **(measured or {})}
    with_, without = (statistics.median(run.seconds for run in runs) for runs in (with_runs, without_runs))
    total = without - with_
    return DividedSeconds(roots, total - sum(seconds.median for seconds in roots.values()), costs)


def _difference(
    part: Part, with_runs: Sequence[BuildResult], without_runs: Sequence[BuildResult]
) -> SecondsSaved:
    return seconds_saved(_seconds(part, with_runs), _seconds(part, without_runs))


def _seconds(part: Part, runs: Sequence[BuildResult]) -> list[float]:
    return [run.parts.get(part, 0.0) for run in runs]


def _shares(by_root: Mapping[str, Load], cost: Cost | None) -> dict[str, float]:
    """The part of the difference that each root gets: they add up to 1, or there are none. The only root
    gets all, whatever the cost."""
    something = {root: load for root, load in by_root.items() if load.bytes or load.entries}
    if len(something) == 1:
        return dict.fromkeys(something, 1.0)
    if cost is None:
        return {}
    weights = {
        root: cost.per_byte * load.bytes + cost.per_entry * load.entries for root, load in something.items()
    }
    total = sum(weights.values())
    return {root: weight / total for root, weight in weights.items()} if total > 0.0 else {}


def _plus(seconds: Seconds | None, saved: SecondsSaved, share: float) -> Seconds:
    """``seconds`` plus ``share`` of ``saved``. The bounds are added as well: what slows one part of a build
    slows the others too, so that errors do not cancel out."""
    seconds = seconds or Seconds(0.0, 0.0, 0.0)
    known = saved.low is not None and saved.high is not None and None not in (seconds.low, seconds.high)
    return Seconds(
        seconds.median + share * saved.median,
        (seconds.low or 0.0) + share * (saved.low or 0.0) if known else None,
        (seconds.high or 0.0) + share * (saved.high or 0.0) if known else None,
    )
