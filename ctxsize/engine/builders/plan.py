"""What the builders need to know of a project to run the right steps for real."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctxsize.context.roots import IgnoredRoots
from ctxsize.dockerfile.resolve import Pick, ResolvedDockerfile
from ctxsize.dockerfile.rewrite import affected_steps
from ctxsize.dockerfile.wildcard import PathMatcher
from ctxsize.engine.builders.interface import Step
from ctxsize.engine.options import BuildOptions
from ctxsize.files.sent import SentTree
from ctxsize.project import NamedContext, Project


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One project's build, the same for both variants.

    ``dockerfile_data`` is the file as it is on disk and ``resolved`` its reading for these options.
    ``dockerfile_in_context`` is its path relative to the context, None when it lies outside; ``inline``: it
    is no file. ``named`` are the named contexts.
    ``first_affected`` gives for each stage the index of its first step whose result the ignore file can
    change, None for a stage that stays the same: steps before it may come from this run's own cache, it
    and all after it run for real in every build. ``first_direct`` is the same without the steps that only
    take from an affected stage, and those after them: their input may turn out to be the same. ``ignored``
    are the ignored roots. ``ignore_data`` is the ignore file as it was read; None when there is none. The
    survey began at ``surveyed`` (epoch nanoseconds); None: what changed since is not looked for.
    """

    dockerfile_data: bytes
    dockerfile_path: Path
    dockerfile_in_context: str | None
    inline: bool
    named: Mapping[str, NamedContext]
    resolved: ResolvedDockerfile
    options: BuildOptions
    first_affected: tuple[int | None, ...]
    first_direct: tuple[int | None, ...]
    ignored: frozenset[str]
    ignore_data: bytes | None
    surveyed: int | None = None

    def sent_tree(self) -> SentTree:
        """For what one build is sent: still empty."""
        return SentTree(self.surveyed, IgnoredRoots(self.ignored).of)

    def first_affected_line(self, stage: int) -> int | None:
        """The line of a stage's first affected instruction; None also when it only inherits one."""
        index = self.first_affected[stage]
        steps = self.resolved.stages[stage].steps
        if index is None or self._inherits(stage) or index >= len(steps):
            return None
        # An ONBUILD trigger of the base image has no line here: what follows it is affected as well.
        return next((step.instruction.line for step in steps[index:] if not step.trigger), None)

    @property
    def prefix_lines(self) -> tuple[int, ...]:
        """For each stage, the line of the last instruction whose result may be reused."""
        lines = []
        for stage in self.resolved.stages:
            if self._inherits(stage.stage.index):
                continue
            affected = self.first_affected_line(stage.stage.index)
            instructions = [stage.stage.line, *(each.line for each in stage.stage.instructions)]
            lines.append(max(line for line in instructions if affected is None or line < affected))
        return tuple(lines)

    @property
    def direct(self) -> BuildPlan:
        """The plan in which only what takes from the context itself is affected."""
        return replace(self, first_affected=self.first_direct)

    def is_affected(self, line: int) -> bool:
        """Whether the instruction on that line runs for real in every build."""
        stages = [each for each in self.resolved.stages if each.stage.line <= line]
        if not stages or self.first_affected[stages[-1].stage.index] is None:
            return False
        if self._inherits(stages[-1].stage.index):
            return line > stages[-1].stage.line
        first = self.first_affected_line(stages[-1].stage.index)
        return first is not None and line >= first

    def undecided(self, steps: Iterable[Step]) -> float:
        """The seconds of those of ``steps`` whose input may be the same in both variants: they take from an
        affected stage, or come after one that does."""
        direct = self.direct
        return sum(
            step.seconds
            for step in steps
            if step.line is not None and self.is_affected(step.line) and not direct.is_affected(step.line)
        )

    def decided(self, steps: Iterable[Step]) -> BuildPlan:
        """The plan by what two builds showed, one of each variant, in which only what is ``direct`` was made
        to run for real. What else of ``steps``, the second's, did run had other input; what came from the
        cache had the same."""
        ran = {step.line for step in steps if step.ran}
        first: list[int | None] = []
        for stage, affected, direct in zip(
            self.resolved.stages, self.first_affected, self.first_direct, strict=True
        ):
            if affected is None or (stage.parent is not None and first[stage.parent] is not None):
                first.append(affected)
                continue
            found = [] if direct is None else [direct]
            found += [n for n, step in enumerate(stage.steps) if n >= affected and stage.line_of(step) in ran]
            first.append(min(found, default=None))
        return replace(self, first_affected=tuple(first))

    def _inherits(self, stage: int) -> bool:
        parent = self.resolved.stages[stage].parent
        return parent is not None and self.first_affected[parent] is not None


def make_plan(
    project: Project,
    options: BuildOptions,
    resolved: ResolvedDockerfile,
    ignored: Iterable[str],
    *,
    surveyed: int | None = None,
) -> BuildPlan:
    """The plan for a Dockerfile as ``resolved``; ``ignored`` are the paths that only one variant has, and
    ``surveyed`` is when the survey began."""
    paths = tuple(ignored)
    by_context: dict[str | None, list[str]] = {}
    for each in paths:
        context, path = project.split(each)
        by_context.setdefault(context, []).append(path)

    def takes(pick: Pick) -> bool:
        return _takes(pick, by_context.get(pick.context, ()), resolved.buildkit)

    affected = affected_steps(resolved, takes)
    direct = affected_steps(resolved, takes, copies=False)
    if not any(index is not None for index in affected):
        # The variants build the same: then what is measured is what a change of the context costs.
        affected = direct = affected_steps(resolved, lambda pick: True)
    return BuildPlan(
        dockerfile_data=project.dockerfile_data,
        dockerfile_path=project.dockerfile_path,
        dockerfile_in_context=project.dockerfile_in_context,
        inline=project.inline is not None,
        named=project.named,
        resolved=resolved,
        options=options,
        first_affected=affected,
        first_direct=direct,
        ignored=frozenset(paths),
        ignore_data=None if project.ignore is None else project.ignore.data,
        surveyed=surveyed,
    )


def _takes(pick: Pick, paths: Sequence[str], buildkit: bool) -> bool:
    matchers = [PathMatcher(pattern, buildkit) for pattern in pick.patterns]
    return any(matcher.cover(path) != "none" for path in paths for matcher in matchers)
