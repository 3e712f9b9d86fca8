"""For each COPY, ADD and bind mount an eligible file, whose change shows what runs again; and the installs
that run again although only code changed, because the COPY before them takes everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import Instruction
from ctxsize.dockerfile.resolve import Pick, ResolvedDockerfile
from ctxsize.dockerfile.wildcard import PathMatcher, excluded, unescape
from ctxsize.rebuild.types import LateInstall, Rebuild

#: How much of an instruction a message shows.
_SHOWN = 60
#: Commands that install what others wrote: they are slow and seldom need the project's own code.
_INSTALLS = re.compile(
    r"\b(pip[\d.]* install|pipenv (install|sync)|poetry install|uv (sync|pip install)|npm (ci|install|i)\b"
    r"|(?<![\w-])yarn( install)?( -|$| &&)|pnpm (install|i)\b|bundle install|composer install|go mod download"
    r"|cargo fetch|apt(-get)? (-\S+ )*install|apk (-\S+ )*add|(dnf|yum|microdnf) (-\S+ )*install"
    r"|mix deps\.get|dotnet restore|dependency:(go-offline|resolve))"
)


@dataclass(frozen=True, slots=True)
class CopyChange:
    """An eligible file that the instruction at ``line`` takes; ``broad`` when it takes a directory."""

    line: int
    path: str
    broad: bool


def copy_changes(
    plan: ResolvedDockerfile, files: Iterable[tuple[str, int]], names: ContextDirectory
) -> tuple[CopyChange, ...]:
    """A file for each instruction that takes any of ``files`` (context path, bytes), in their order.

    It is the smallest of the files that the fewest other instructions take: for ``COPY . .`` after
    ``COPY requirements.txt .`` not the requirements. If several instructions get the same file, only the
    first of them is there.
    """
    takers = list(_takers(plan))
    matchers = [
        [(PathMatcher(pattern, plan.buildkit), pick) for pick in picks for pattern in pick.patterns]
        for _, picks in takers
    ]
    best: dict[int, tuple[int, bool, int, str]] = {}
    for path, size in files:
        taking = [index for index, found in enumerate(matchers) if _take(found, path)]
        for index in taking:
            key = (len(taking), not size, size, path)
            best[index] = min(best.get(index, key), key)
    changes: dict[str, CopyChange] = {}
    for index, (instruction, picks) in enumerate(takers):
        if index in best:
            path = best[index][-1]
            changes.setdefault(path, CopyChange(instruction.line, path, _broad(picks, names)))
    return tuple(changes.values())


def late_installs(
    plan: ResolvedDockerfile, rebuilds: Mapping[CopyChange, Rebuild]
) -> tuple[LateInstall, ...]:
    """The installs that ran again after a change to a file that a broad COPY before them takes."""
    found: dict[int, LateInstall] = {}
    for change, rebuild in rebuilds.items():
        copy, after = _instruction_and_after(plan, change.line)
        if copy is None or not change.broad or copy.keyword == "RUN":
            continue
        again = {step.line: step.seconds for step in rebuild.steps}
        for run in after:
            if run.keyword == "RUN" and run.line in again and _INSTALLS.search(run.args):
                late = LateInstall(copy.line, _shown(copy), run.line, _shown(run), again[run.line])
                found.setdefault(run.line, late)
    return tuple(found.values())


def _takers(plan: ResolvedDockerfile) -> Iterator[tuple[Instruction, list[Pick]]]:
    for index in plan.reachable:
        own = {id(instruction) for instruction in plan.stages[index].stage.instructions}
        for step in plan.stages[index].steps:
            picks = [pick for pick in step.picks if pick.from_context]
            # An ONBUILD trigger of the base image has no line in this Dockerfile.
            if picks and id(step.instruction) in own:
                yield step.instruction, picks


def _take(matchers: Iterable[tuple[PathMatcher, Pick]], path: str) -> bool:
    return any(
        matcher.cover(path) == "all" and not (pick.excludes and excluded(path, pick.excludes))
        for matcher, pick in matchers
    )


def _broad(picks: Iterable[Pick], names: ContextDirectory) -> bool:
    return any(names.kind(unescape(pattern)) == "dir" for pick in picks for pattern in pick.patterns)


def _instruction_and_after(
    plan: ResolvedDockerfile, line: int
) -> tuple[Instruction | None, tuple[Instruction, ...]]:
    for stage in plan.stages:
        for index, instruction in enumerate(stage.stage.instructions):
            if instruction.line == line:
                return instruction, stage.stage.instructions[index + 1 :]
    return None, ()


def _shown(instruction: Instruction) -> str:
    text = " ".join(f"{instruction.keyword} {instruction.args}".split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
