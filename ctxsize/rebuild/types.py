"""The result: what the next build costs after one change at a time, with and without the ignore file.

Sizes are bytes, times are seconds.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.ignore.types import Rule
from ctxsize.measure.figures import WITH, WITHOUT, EngineFigures, ProjectFigures, SecondsSaved
from ctxsize.measure.timing import seconds_saved
from ctxsize.warning import Warning


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The builds after one change, or after none.

    ``seconds`` is the median of ``runs``. ``steps`` of the Dockerfile ran again, out of the ``step_count``
    that the builder reports. ``sent_bytes`` crossed to the engine, with the content of ``sent_files`` (None
    where the builder can't tell). All but ``runs`` and ``seconds`` are of the last build.
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
    ``line`` takes. ``changed`` is the file or directory that changes, and ``description`` says how; both are
    None when the change is not simulated. By variant, ``rebuilds`` has what was measured, and ``errors`` why
    a build failed because of the change.
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
    """A RUN that installs something and runs again whenever a file changes which a broad COPY before it
    takes. ``seconds`` is how long it took then."""

    copy_line: int
    copy: str
    run_line: int
    run: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RebuildCost:
    """What changes cost in one project.

    ``unchanged`` has, by variant, builds after no change at all: what every rebuild costs. ``ignored`` are
    changes to ignored roots. ``eligible`` are changes to files that the build needs, where no ignore file
    helps. ``left_out`` ignored roots were not measured. ``errors`` says, by variant, why it could not be
    measured to the end.
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


@dataclass(frozen=True, slots=True)
class RebuildMeasurement:
    """A rebuild cost, and each error that the JSON has no place for, with its variant: builds that failed,
    and an engine that went away."""

    cost: RebuildCost
    failures: tuple[tuple[str, BuildFailed | EngineError], ...]


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
