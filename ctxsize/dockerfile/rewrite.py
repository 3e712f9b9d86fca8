"""A Dockerfile with instructions put in between, everything else byte for byte as it was; and the steps
from which on a build is touched by some part of the context.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ctxsize.dockerfile.parse import Dockerfile, Instruction
from ctxsize.dockerfile.resolve import Pick, ResolvedDockerfile


@dataclass(frozen=True, slots=True)
class RewrittenDockerfile:
    """``data`` is the new file; ``inserted`` are the numbers of its added lines, ascending."""

    data: bytes
    inserted: tuple[int, ...]

    def original_line(self, line: int) -> int:
        """The line of the original file that ``line`` of the new one is; for an added line, the one
        before it (at least 1)."""
        return max(line - sum(1 for added in self.inserted if added <= line), 1)


def insert_markers(dockerfile: Dockerfile, data: bytes, at: Sequence[tuple[int, str]]) -> RewrittenDockerfile:
    """``data`` (the bytes that ``dockerfile`` was parsed from) with instructions added.

    ``at`` has ``(after_line, text)``: ``text`` is one instruction on one line, without a line end, put
    right after the instruction that ends on ``after_line``; several for one line keep their order.
    Raises ValueError when no instruction ends there, or when ``text`` is more than one line.
    """
    ends = {instruction.end_line for instruction in dockerfile.instructions}
    for line, text in at:
        if line not in ends:
            raise ValueError(f"no instruction of {dockerfile.path} ends on line {line}")
        if "\n" in text:
            raise ValueError("an inserted instruction is one line")
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    newline = b"\r\n" if lines[0].endswith(b"\r\n") else b"\n"
    last = dockerfile.instructions[-1]
    if any(after == last.end_line for after, _ in at):
        _close(lines, last, dockerfile.escape.encode(), newline)
    result: list[bytes] = []
    inserted: list[int] = []
    for number, original in enumerate(lines, 1):
        result.append(original)
        for text in (text for after, text in at if after == number):
            result.append(text.encode("utf-8", "surrogateescape") + newline)
            inserted.append(len(result))
    return RewrittenDockerfile(b"".join(result), tuple(inserted))


def affected_steps(
    plan: ResolvedDockerfile, is_affected: Callable[[Pick], bool], *, copies: bool = True
) -> tuple[int | None, ...]:
    """For each stage, the index in its ``steps`` of the first one that the context's part touches.

    ``is_affected`` says of a COPY, ADD or bind mount from a context whether it takes any of that
    part. A step is also touched when it copies or mounts from a touched stage, or when what it takes
    is unknown; a stage that starts FROM a touched stage is touched from its first step on, with index 0.
    None for a stage that stays as it is. Without ``copies`` a step that takes from a touched stage is not
    touched by that alone: what it takes may be the same all the same.
    """
    first: list[int | None] = []
    for stage in plan.stages:
        inherited = stage.unknown or (stage.parent is not None and first[stage.parent] is not None)
        inherited = inherited or (stage.base is not None and is_affected(stage.base))
        if inherited:
            first.append(0)
            continue
        touched = (
            index
            for index, step in enumerate(stage.steps)
            if (step.unknown and step.kind in ("copy", "add", "run"))
            or any(_touched(pick, first if copies else None, is_affected) for pick in step.picks)
        )
        first.append(next(touched, None))
    return tuple(first)


def _touched(pick: Pick, first: Sequence[int | None] | None, is_affected: Callable[[Pick], bool]) -> bool:
    if pick.stage is not None:
        return first is not None and first[pick.stage] is not None
    return pick.image is None and is_affected(pick)


def _close(lines: list[bytes], last: Instruction, escape: bytes, newline: bytes) -> None:
    """End the file's last instruction, so that another can follow it.

    Docker accepts a file without a last line end, and one whose end is a continuation mark with
    nothing, or only comments and empty lines, after it.
    """
    end = last.end_line - 1
    if not lines[end].endswith(b"\n"):
        lines[end] += newline
    if last.heredocs:
        return
    for number in range(end, last.line - 2, -1):
        text = lines[number].strip()
        if number > last.line - 1 and (not text or text.startswith(b"#")):
            continue
        while text.endswith(escape) and not text.endswith(escape * 2):
            text = lines[number].rstrip()[: -len(escape)].rstrip(b" \t")
            lines[number] = text + newline
        return
