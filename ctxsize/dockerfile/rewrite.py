"""A Dockerfile with instructions put in between, everything else byte for byte as it was; and the steps
from which on a build is touched by some part of the context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ctxsize.dockerfile.parse import Dockerfile
from ctxsize.dockerfile.resolve import Pick, Plan


@dataclass(frozen=True, slots=True)
class RewrittenDockerfile:
    """``data`` is the new file; ``inserted`` are the numbers of its added lines, ascending."""

    data: bytes
    inserted: tuple[int, ...]

    def original_line(self, line: int) -> int:
        """The line of the original file that ``line`` of the new one is; for an added line, the one
        before it (at least 1)."""
        return max(line - sum(1 for added in self.inserted if added <= line), 1)


def insert_markers(
    dockerfile: Dockerfile, data: bytes, at: Sequence[tuple[int, str]]
) -> RewrittenDockerfile:
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
    lines = data.split(b"\n")
    newline = b"\r\n" if lines[0].endswith(b"\r") else b"\n"
    whole = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    result: list[bytes] = []
    inserted: list[int] = []
    for number, line in enumerate(whole, 1):
        texts = [text for after, text in at if after == number]
        result.append(_closed(line, dockerfile.escape, newline) if texts else line)
        for text in texts:
            result.append(text.encode("utf-8", "surrogateescape") + newline)
            inserted.append(len(result))
    return RewrittenDockerfile(b"".join(result), tuple(inserted))


def affected_steps(plan: Plan, is_affected: Callable[[Pick], bool]) -> tuple[int | None, ...]:
    """For each stage, the index in its ``steps`` of the first one that the context's part touches.

    ``is_affected`` says of a COPY, ADD or bind mount from the context whether it takes any of that
    part. A step is also touched when it copies or mounts from a touched stage, or when what it takes
    is unknown; a stage that starts FROM a touched stage is touched from its first step on, with index 0.
    None for a stage that stays as it is.
    """
    first: list[int | None] = []
    for stage in plan.stages:
        inherited = stage.unknown or (stage.parent is not None and first[stage.parent] is not None)
        if inherited:
            first.append(0)
            continue
        touched = (
            index
            for index, step in enumerate(stage.steps)
            if (step.unknown and step.kind in ("copy", "add", "run"))
            or any(_touched(pick, first, is_affected) for pick in step.picks)
        )
        first.append(next(touched, None))
    return tuple(first)


def _touched(pick: Pick, first: Sequence[int | None], is_affected: Callable[[Pick], bool]) -> bool:
    if pick.stage is not None:
        return first[pick.stage] is not None
    return pick.from_context and is_affected(pick)


def _closed(line: bytes, escape: str, newline: bytes) -> bytes:
    """The last line of an instruction, ended so that another can follow.

    A file may end without a line end, or in a continuation mark that continues nothing.
    """
    if line.endswith(b"\n"):
        return line
    bare = line.rstrip(b"\t ")
    token = escape.encode()
    if bare.endswith(token) and not bare.endswith(token * 2):
        bare = bare[:-1]
    return bare + newline
