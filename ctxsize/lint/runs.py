"""What the RUN lines of a stage do, as far as findings ask: which programs they start, and where."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ctxsize.dockerfile.resolve import ResolvedDockerfile, ResolvedStage, ResolvedStep

_SEPARATOR = re.compile(r"&&|\|\||;|\n|(?<![|>])\|(?!\|)")
_CONTINUED = re.compile(r"\\[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")
_FLAGS = re.compile(r"^(?:--\w[\w-]*(?:=\S*)?\s+)+")
_CD = re.compile(r"\s*cd\s+([\w./-]+)\s*")
_LONGEST = 1 << 16  # characters of a RUN that are looked at


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a RUN. ``directory`` is where it runs, None where that is not known; ``excused``: its
    failure is caught (``|| …``). ``index`` is that of the step in its stage and those it starts from."""

    text: str
    directory: str | None
    excused: bool
    line: int
    index: int


def chain(plan: ResolvedDockerfile, stage: int) -> list[tuple[ResolvedStage, ResolvedStep]]:
    """The steps that a stage goes through, those of the stages it starts from first."""
    indexes: list[int] = []
    index: int | None = stage
    while index is not None:
        indexes.append(index)
        index = plan.stages[index].parent
    return [(plan.stages[each], step) for each in reversed(indexes) for step in plan.stages[each].steps]


def commands(plan: ResolvedDockerfile, stage: int) -> Iterator[Command]:
    """The commands of all RUN lines that a stage goes through, in their order."""
    directory: str | None = None
    for index, (of, step) in enumerate(chain(plan, stage)):
        if step.kind == "workdir":
            directory = _joined(directory, step.instruction.args.strip().strip("\"'"))
        elif step.kind == "run":
            yield from _commands(step, of.line_of(step), directory, index)


def _commands(step: ResolvedStep, line: int, directory: str | None, index: int) -> Iterator[Command]:
    instruction = step.instruction
    if instruction.json:
        words = list(instruction.words)
        text = words[2] if len(words) == 3 and words[1] == "-c" else " ".join(words)
    elif instruction.heredocs:
        text = (
            instruction.raw.partition(instruction.keyword)[2]
            if instruction.keyword in instruction.raw
            else instruction.raw
        )
    else:
        text = _FLAGS.sub("", instruction.args.lstrip())
    text = _CONTINUED.sub(" ", text[:_LONGEST])
    here = directory
    at = 0
    for end in [*_SEPARATOR.finditer(text), None]:
        part = text[at : end.start() if end else len(text)]
        if moved := _CD.fullmatch(part):
            here = _joined(here, moved[1])
        elif part.strip():
            yield Command(part.strip(), here, end is not None and end[0] == "||", line, index)
        at = end.end() if end else at


def _joined(directory: str | None, path: str) -> str | None:
    if "$" in path or not path:
        return None
    if path.startswith("/"):
        return posixpath.normpath("/" + path.lstrip("/"))
    return None if directory is None else posixpath.normpath(f"{directory}/{path}")
