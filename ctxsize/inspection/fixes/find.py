"""Which fixes an image's waste and leftovers call for: each in words, and in the Dockerfile where that is
certain enough to be tried.

What is proposed here is a guess from the figures and the text; the proof is a build (``proof``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from ctxsize.dockerfile.parse import Dockerfile, Instruction
from ctxsize.inspection.fixes.rewriting import Edit, Rewriting
from ctxsize.inspection.types import Fix, ImageReport, ImageStep, WasteGroup
from ctxsize.units import format_bytes

#: Bytes below which nothing is proposed.
LEAST = 10_000
_SHORT = 80


@dataclass(frozen=True, slots=True)
class Case:
    """What fixes are looked for in: the report on an image, its Dockerfile, and the changes made so far.

    ``buildkit``: the builder knows mounts and ``--chmod``. ``written_by`` gives the layers (by number) that
    have an entry at a path, ``directories`` the directories that a layer has entries of.
    """

    report: ImageReport
    dockerfile: Dockerfile
    rewriting: Rewriting
    buildkit: bool
    written_by: Callable[[str], frozenset[int]]
    directories: Callable[[int], Iterable[str]]

    def instruction(self, step: int) -> Instruction | None:
        """The instruction that made a step; None when it is not one of the Dockerfile's own lines."""
        line = self.report.steps[step - 1].line
        found = next((each for each in self.dockerfile.instructions if each.line == line), None)
        return None if found is None or found.keyword == "FROM" else found

    def step(self, line: int) -> ImageStep | None:
        """The step of the instruction on ``line``."""
        return next((step for step in self.report.steps if step.line == line), None)

    def same_stage(self, *lines: int) -> bool:
        """Whether all of the lines belong to one stage."""
        return len({self._stage(line) for line in lines}) == 1

    def between(self, first: int, last: int) -> list[Instruction]:
        """The instructions from one line to another one, both included."""
        return [each for each in self.dockerfile.instructions if first <= each.line <= last]

    def own_groups(self) -> Iterator[tuple[WasteGroup, Instruction, Instruction]]:
        """The waste of which both lines are known and in one stage: the group, what stored it, what buried
        it."""
        for group in self.report.groups:
            stored, buried = self.instruction(group.stored_by), self.instruction(group.buried_by)
            if group.reclaimable and stored and buried and self.same_stage(stored.line, buried.line):
                yield group, stored, buried

    def _stage(self, line: int) -> int:
        return sum(1 for stage in self.dockerfile.stages if stage.line <= line)


@dataclass(frozen=True, slots=True)
class Found:
    """A fix, and what it changes in the Dockerfile: nothing where it is for the user to do."""

    fix: Fix
    edits: tuple[Edit, ...]


def find_fixes(case: Case) -> tuple[Found, ...]:
    """The fixes for a built image, those with the most bytes first. The rewriting of ``case`` has those that
    are ``patched``."""
    from ctxsize.inspection.fixes.cleanup import cleanup_fixes, tool_fixes
    from ctxsize.inspection.fixes.ownership import ownership_fixes
    from ctxsize.inspection.fixes.removal import removal_fixes

    found, done = [], len(case.rewriting.edits)
    for fix in chain(ownership_fixes(case), removal_fixes(case), cleanup_fixes(case), tool_fixes(case)):
        # Each was written into the Dockerfile right before it came.
        found.append(Found(fix, tuple(case.rewriting.edits[done:])))
        done = len(case.rewriting.edits)
    return tuple(sorted(found, key=lambda each: (-(each.fix.bytes or 0), each.fix.lines)))


def quoted(instruction: Instruction) -> str:
    """Line and text of an instruction: ``12: COPY . /app``, not longer than a line."""
    from ctxsize.inspection.steps import written

    text = written(instruction)
    return f"{instruction.line}: {text if len(text) <= _SHORT else text[: _SHORT - 1] + '…'}"


def gain(groups: Sequence[WasteGroup]) -> tuple[int, int | None]:
    """What an image and its pull lose without these groups."""
    pulls = [group.pull_bytes for group in groups]
    known = [pull for pull in pulls if pull is not None]
    return sum(group.bytes for group in groups), sum(known) if len(known) == len(pulls) else None


def loses(size: int, pull: int | None) -> str:
    """``image −270MB, pull ~−91MB``."""
    return f"image −{format_bytes(size)}" + ("" if pull is None else f", pull ~−{format_bytes(pull)}")


def lines_text(lines: Sequence[int]) -> str:
    """``line 12``, ``lines 12 and 14``."""
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]}"
