"""Which parts of the build context a build needs: the sources of COPY, ADD and bind mounts.

BuildKit asks its client for these paths, and only for the stages its target needs; the classic builder
gets the whole context, and what is *needed* there is what the stages up to the target copy. Measured on
28.5: ``--exclude`` does not lessen what BuildKit asks for, and ``**`` in a source makes it ask for
matches at any depth although COPY then takes ``**`` as ``*``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ctxsize.dockerfile.names import ContextDirectory, matches, resolve_links
from ctxsize.dockerfile.resolve import ResolvedDockerfile, ResolvedStage
from ctxsize.dockerfile.wildcard import Cover, PathMatcher, escape


@dataclass(frozen=True, slots=True)
class Source:
    """One source of the instruction on ``line``; of its ``pattern`` the context is ``.``."""

    keyword: str
    line: int
    pattern: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What the build takes from the context.

    ``unknown`` are reasons why that can't be said completely (then needed totals are unknown);
    ``notes`` are reasons why it may be incomplete, such as a base image nobody looked into.
    """

    items: tuple[Source, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    _matchers: tuple[PathMatcher, ...] = field(repr=False, compare=False)

    def cover(self, directory: str) -> Cover:
        """Whether all, some, or none of what is below that directory may be needed (``.`` is the root).

        For a walk: one question per directory, and none per file below ``all`` and ``none``.
        """
        best: Cover = "none"
        for matcher in self._matchers:
            cover = matcher.cover(directory)
            if cover == "all":
                return "all"
            if cover == "some":
                best = "some"
        return best

    def needs(self, path: str) -> bool:
        """Whether the file is needed."""
        return self.cover(path) == "all"


def plan_sources(
    plan: ResolvedDockerfile, names: ContextDirectory | None = None, context: str | None = None
) -> Sources:
    """What the target needs from the context, or from the named context of that name.

    With ``names``, symlinks in sources are followed, so that what they lead to is needed too.
    """
    stages = [plan.stages[index] for index in plan.reachable]
    found = ((*_base_sources(plan, stage, context), *_stage_sources(stage, context)) for stage in stages)
    items = tuple(item for each in found for item in each)
    patterns = dict.fromkeys(item.pattern for item in items)
    if names is not None:
        for pattern in tuple(patterns):
            patterns.update(dict.fromkeys(_followed(names, pattern)))
    return Sources(
        items=items,
        unknown=tuple(reason for stage in stages for reason in _unknown(stage)),
        notes=tuple(
            f"{plan.dockerfile.path}:{stage.stage.line}: ONBUILD instructions of {stage.image} are not known"
            for stage in stages
            if stage.image is not None and not stage.inspected
        ),
        _matchers=tuple(PathMatcher(pattern, plan.buildkit) for pattern in patterns),
    )


def _base_sources(plan: ResolvedDockerfile, stage: ResolvedStage, context: str | None) -> Iterator[Source]:
    """What is needed of the named context that a stage starts from: all of it where it becomes part of the
    image or a RUN sees it, else what is copied from the stage, and from those that start from it."""
    if stage.base is None or stage.base.context != context:
        return
    index = stage.stage.index
    heirs = [each for each in plan.reachable if index in _below(plan, each)]
    runs = any(step.kind == "run" for each in heirs for step in plan.stages[each].steps)
    if plan.target in heirs or runs:
        yield Source("FROM", stage.stage.line, ".")
        return
    for other in plan.reachable:
        for step in plan.stages[other].steps:
            for pick in step.picks:
                if pick.stage in heirs:
                    keyword = step.instruction.keyword
                    yield from (Source(keyword, step.instruction.line, each) for each in pick.patterns)


def _below(plan: ResolvedDockerfile, index: int) -> list[int]:
    """A stage, and those it starts from."""
    found = [index]
    while (parent := plan.stages[found[-1]].parent) is not None:
        found.append(parent)
    return found


def _stage_sources(stage: ResolvedStage, context: str | None) -> list[Source]:
    return [
        Source(step.instruction.keyword, step.instruction.line, pattern)
        for step in stage.steps
        for pick in step.picks
        if (pick.context == context if context is not None else pick.from_context)
        for pattern in pick.patterns
    ]


def _unknown(stage: ResolvedStage) -> list[str]:
    """Why the stage's sources are uncertain; a WORKDIR or an ENV that is not known takes nothing away."""
    takers = ("copy", "add", "run")
    return [*stage.unknown, *(step.unknown for step in stage.steps if step.unknown and step.kind in takers)]


def _followed(names: ContextDirectory, pattern: str) -> list[str]:
    """The real paths behind the symlinks a source goes through."""
    found = []
    for match in matches(names, pattern):
        real = resolve_links(names, match)
        if real is not None and real != match:
            found.append(escape(real))
    return found
