"""What a change costs: the builds after one change at a time, with and without the ignore file.

Sizes are bytes, times are seconds.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ctxsize.comparison.types import Comparison, PathSaving
from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.ignore.types import Rule
from ctxsize.measure.builds import WITH, WITHOUT
from ctxsize.measure.figures import EngineFigures, ProjectFigures, SecondsSaved
from ctxsize.measure.timing import seconds_saved
from ctxsize.warning import Warning


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The builds after one change, or after none.

    ``seconds`` is the median of ``runs``. ``steps`` are those of the Dockerfile that ran again, of
    ``step_count`` that the builder reports; ``sent_bytes`` crossed to the engine in one build, and with them
    the content of ``sent_files`` (None where the builder can't tell). All but ``runs`` are of the last build.
    """

    seconds: float
    runs: tuple[float, ...]
    steps: tuple[Step, ...]
    step_count: int
    sent_bytes: int
    sent_files: int | None


@dataclass(frozen=True, slots=True)
class ChangeCost:
    """What the change of one path costs.

    ``path`` is an ignored root, or an eligible file that a COPY, ADD or bind mount at the Dockerfile's
    ``line`` takes. ``changed`` is the file or directory that changes and ``description`` how; both are None
    when the change is not simulated. ``rebuilds`` has a Rebuild for each variant that was measured,
    ``errors`` the message of a build that failed only because of the change.
    """

    path: str
    rule: Rule | None
    line: int | None
    changed: str | None
    description: str | None
    rebuilds: Mapping[str, Rebuild] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LateInstall:
    """A RUN that installs something and runs again for every file a broad COPY before it takes.

    ``seconds`` is how long it took when it ran again.
    """

    copy_line: int
    copy: str
    run_line: int
    run: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CacheCost:
    """What changes cost in one project.

    ``unchanged`` are builds after no change at all, per variant: what every rebuild costs. ``ignored`` are
    changes to ignored roots, ``eligible`` changes to files that the build needs, which no ignore file
    helps with; ``left_out`` ignored roots were not measured. ``errors`` say why a variant could not be
    measured at all.
    """

    version: str
    created: str
    project: ProjectFigures
    engine: EngineFigures
    unchanged: Mapping[str, Rebuild]
    ignored: tuple[ChangeCost, ...]
    eligible: tuple[ChangeCost, ...]
    late_installs: tuple[LateInstall, ...]
    left_out: int
    errors: Mapping[str, str]
    warnings: tuple[Warning, ...]

    def extra_seconds(self, cost: ChangeCost, variant: str) -> SecondsSaved | None:
        """Seconds that the change adds to a build of ``variant`` after no change; None when not measured."""
        rebuild, unchanged = cost.rebuilds.get(variant), self.unchanged.get(variant)
        return None if rebuild is None or unchanged is None else seconds_saved(unchanged.runs, rebuild.runs)

    def saved_seconds(self, cost: ChangeCost) -> float | None:
        """Seconds that the ignore file saves in each build after the change; None when not measured."""
        with_, without = (self.extra_seconds(cost, variant) for variant in (WITH, WITHOUT))
        return None if with_ is None or without is None else without.median - with_.median


def with_rebuilds(comparison: Comparison, cost: CacheCost) -> Comparison:
    """``comparison`` with what a change to each measured path adds to a build without the ignore file."""
    costs = {change.path: change for change in cost.ignored}
    return replace(comparison, paths=tuple(_with_rebuild(path, costs, cost) for path in comparison.paths))


def _with_rebuild(path: PathSaving, costs: Mapping[str, ChangeCost], cost: CacheCost) -> PathSaving:
    change = costs.get(path.path)
    extra = None if change is None else cost.extra_seconds(change, WITHOUT)
    if change is None or extra is None:
        return path
    return replace(path, rebuild_seconds=extra.median, rebuild_steps=len(change.rebuilds[WITHOUT].steps))


def rebuild_of(results: Sequence[BuildResult], from_lines: Collection[int]) -> Rebuild:
    """The figures of the builds after one change; ``from_lines`` are the lines of what is no step: FROM, and
    ARG before it. ``results`` is not empty."""
    last = results[-1]
    steps = [step for step in last.steps if step.line is not None and step.line not in from_lines]
    return Rebuild(
        seconds=statistics.median(result.seconds for result in results),
        runs=tuple(result.seconds for result in results),
        # A step of no time at all was not even looked at.
        steps=tuple(step for step in steps if not step.cached and step.seconds > 0),
        step_count=len(steps),
        sent_bytes=last.sent_bytes,
        sent_files=last.sent_files,
    )
