"""Steps inserted into the Dockerfile that a builder is given, so that we recognize what it makes as ours.

BuildKit gets *markers*, so that a run has a cache of its own. A marker is a COPY of nothing: a wildcard that
matches no file. It adds an empty layer and no file, and takes milliseconds, but its text is part of
BuildKit's cache key for every step after it. A marker after each FROM names the run: what follows is never
taken from the user's cache, and every record it leaves descends from a record of ours. A second marker before
the first step that the ignore file affects names the build: from there on every build runs for real. Rebuilds
have no second marker, so that they find in the cache what an earlier rebuild of the run has made.

The classic builder gets the run's label after each FROM. Every image and container of a later step inherits
it, even when we are no longer there to hear of them.

Podman, which can't be kept away from the user's cache, gets labels where BuildKit gets markers: for its cache
a step is the same only after the same steps.
"""

from __future__ import annotations

from ctxsize.dockerfile.resolve import ResolvedStage
from ctxsize.dockerfile.rewrite import RewrittenDockerfile, insert_markers
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.marks import MARKER, RUN_LABEL


def with_markers(plan: BuildPlan, run: str, build: int | None) -> RewrittenDockerfile:
    """The Dockerfile for one build of a run; ``build`` numbers it, and is None for a rebuild. All that have
    a number have the same size, and rebuilds are all the same."""
    inserted: list[tuple[int, str]] = []
    for stage in plan.resolved.stages:
        if stage.parent is None:
            inserted.append((_end_of_from(plan, stage), _marker(stage, run)))
        if build is not None and (before := _before_affected(plan, stage)) is not None:
            inserted.append((before, _marker(stage, f"{run}-{build:04d}")))
    return insert_markers(plan.resolved.dockerfile, plan.dockerfile_data, inserted)


def with_labels(plan: BuildPlan, run: str, build: int | None = None) -> RewrittenDockerfile:
    """The Dockerfile with the label of the run in every stage. What ONBUILD triggers of a base image make
    comes before it. With a ``build`` there is one of the build before the first step that the ignore file
    affects."""
    inserted: list[tuple[int, str]] = []
    for stage in plan.resolved.stages:
        if stage.parent is None:
            inserted.append((_end_of_from(plan, stage), f"LABEL {RUN_LABEL}={run}"))
        if build is not None and (before := _before_affected(plan, stage)) is not None:
            inserted.append((before, f"LABEL {RUN_LABEL}.build={build:04d}"))
    return insert_markers(plan.resolved.dockerfile, plan.dockerfile_data, inserted)


def _before_affected(plan: BuildPlan, stage: ResolvedStage) -> int | None:
    """The last line before the first step of ``stage`` that the ignore file affects; None if it has none."""
    line = plan.first_affected_line(stage.stage.index)
    if line is None:
        return None
    ends = [instruction.end_line for instruction in stage.stage.instructions]
    return max([end for end in ends if end < line], default=_end_of_from(plan, stage))


def _end_of_from(plan: BuildPlan, stage: ResolvedStage) -> int:
    instructions = plan.resolved.dockerfile.instructions
    return next(i.end_line for i in instructions if i.line == stage.stage.line)


def _marker(stage: ResolvedStage, name: str) -> str:
    """A COPY of nothing from what the stage itself starts from, so that it waits for nothing else.

    Nothing can be copied from ``scratch``, and with ``--platform`` the image's name alone could mean
    another image: there it copies nothing from the context.
    """
    if stage.parent is not None:
        source = f"--from={stage.parent} "
    elif stage.image and stage.image != "scratch" and stage.stage.platform is None:
        source = f"--from={stage.image} "
    else:
        source = ""
    return f"COPY {source}/{MARKER}{name}* /"
