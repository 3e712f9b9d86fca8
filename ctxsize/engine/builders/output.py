"""Reading what builders say: the lines that steps write, and where a Dockerfile can't be parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.buildkit import LogLine
from ctxsize.errors import BuildFailed

#: Bytes of a line that are waited for. BuildKit itself keeps no more than 1 or 2 MiB of a step's log.
LONGEST = 1 << 20
#: ``dockerfile parse error line 3: …`` (20.10, classic), ``dockerfile parse error on line 3: …`` (newer).
_PARSE_ERROR = re.compile(r".*parse error(?: on)? line (\d+): *", re.IGNORECASE | re.DOTALL)
#: What BuildKit puts in front of a reason.
_PREFIXES = re.compile(
    r"^(?:failed to solve(?: with frontend [\w.-]+)?: |failed to create LLB definition: "
    r"|rpc error: code = \w+ desc = )+"
)
#: Steps in which BuildKit asks registries, by the engine's version.
_METADATA = re.compile(r"\[internal\] load metadata for (?:docker-image://)?(\S+)")
_FRONTEND = re.compile(r"resolve image config for (?:docker-image://)?(?:docker\.io/)?(\S+)")
_FROM = re.compile(r"FROM (?:--platform=\S+ )?(\S+)", re.IGNORECASE)
_STEP_TEXT = re.compile(r"(?:^|[\]:] +)([A-Za-z]+) ")
_FLAG = re.compile(r"unknown flag:? (?:--)?([\w-]+)", re.IGNORECASE)
_SYNTAX = re.compile(rb"#\s*syntax\s*=", re.IGNORECASE)


class LogLines:
    """Calls ``take`` with each line of the pieces it is given, once all of the line is there.

    BuildKit hands output on in the pieces in which it came, of 32 KiB where a step writes much at once. A
    secret's value that lies across two pieces is found and masked only in the whole line.
    """

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._begun: dict[tuple[str, int], list[bytes]] = {}
        self._sizes: dict[tuple[str, int], int] = {}

    def add(self, pieces: Iterable[LogLine]) -> None:
        """Take in what came; each stream of each step has lines of its own."""
        for piece in pieces:
            key = (piece.vertex, piece.stream)
            whole, end, rest = piece.data.rpartition(b"\n")
            if end or self._sizes.get(key, 0) + len(rest) > LONGEST:
                self._say(key, whole + end)
            if rest:
                self._begun.setdefault(key, []).append(rest)
                self._sizes[key] = self._sizes.get(key, 0) + len(rest)

    def close(self) -> None:
        """Nothing more will come: what has no line end is a line, too."""
        for key in list(self._begun):
            self._say(key, b"")

    def _say(self, key: tuple[str, int], last: bytes) -> None:
        text = b"".join([*self._begun.pop(key, []), last])
        self._sizes.pop(key, None)
        for line in text.decode(errors="replace").splitlines():
            self._take(line)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the user's Dockerfile has a step: its line, and its name with the user's own numbers."""

    line: int | None
    name: str


@contextmanager
def failures_located(
    plan: BuildPlan, original_line: Callable[[int], int], place: Callable[[str], Place]
) -> Iterator[None]:
    """Give a BuildFailed its place in the user's Dockerfile, ``dockerfile:line``, and say what to do next.

    ``original_line`` leads from a line of the file the builder was given to one of the user's; ``place`` from
    a step as the builder names it.
    """
    try:
        yield
    except BuildFailed as error:
        located = _located(plan, original_line, place, error)
        line, error.message, hint = located
        error.args = (error.message,)
        if line is not None:
            error.where = f"{plan.resolved.dockerfile.path}:{line}"
        error.hint = error.hint or hint
        error.step = place(error.step).name if error.step else None
        raise


def _located(
    plan: BuildPlan, original_line: Callable[[int], int], place: Callable[[str], Place], error: BuildFailed
) -> tuple[int | None, str, str | None]:
    """The line, the message and the next step for a failure."""
    message = _PREFIXES.sub("", error.message)
    if match := _PARSE_ERROR.match(error.message):
        return _not_understood(plan, original_line(int(match[1])), error.message[match.end() :])
    if error.step is None:
        return None, message, None
    step, line = error.step, place(error.step).line
    if match := _FRONTEND.match(step):
        hint = f"`docker pull {match[1]}` tries it alone; without that line the engine's own is used"
        return _syntax_line(plan), f"the frontend {match[1]} of `# syntax=` can't be had: {message}", hint
    if base := _base_image(plan, step):
        hint = f"check the name, the network and `docker login`; `docker pull {base}` tries it alone"
        return _from_line(plan, base), f"the base image {base} can't be had: {message}", hint
    if "requires BuildKit" in message:
        return line, message.partition(". Refer to")[0], "build with BuildKit, or leave it out"
    ran = (match := _STEP_TEXT.search(step)) is not None and match[1].upper() == "RUN"
    return line, message, "-v shows all that the builder says" if ran else None


def _not_understood(plan: BuildPlan, line: int, message: str) -> tuple[int, str, str | None]:
    """As _located, of a Dockerfile that the builder can't parse."""
    newer = "a newer engine, or `# syntax=docker/dockerfile:1` as the first line, does"
    if not plan.resolved.buildkit:
        newer = "build with BuildKit"
    instructions = plan.resolved.dockerfile.instructions
    within = next(
        (each for each in instructions if each.line < line <= each.end_line and each.heredocs), None
    )
    if within is not None and "unknown instruction" in message.lower():
        said = f"this builder does not know here-documents ({within.keyword} <<…): {message}"
        return within.line, said, newer
    if match := _FLAG.search(message):
        return line, f"this builder does not know the flag --{match[1]}", newer
    return line, message, None


def _base_image(plan: BuildPlan, step: str) -> str | None:
    """The image that could not be had, where that is what ``step`` was about."""
    if match := _METADATA.match(step):
        return match[1]
    if match := _FROM.match(step):
        names = {stage.stage.name for stage in plan.resolved.stages}
        image = match[1]
        if image.lower() not in names and not any(
            s.image == image and s.inspected for s in plan.resolved.stages
        ):
            return image
    return None


def _from_line(plan: BuildPlan, image: str) -> int | None:
    """The line that asks for an image first."""
    for stage in plan.resolved.stages:
        if stage.image and _familiar(stage.image) == _familiar(image):
            return stage.stage.line
        for step in stage.steps:
            if any(pick.image and _familiar(pick.image) == _familiar(image) for pick in step.picks):
                return stage.line_of(step)
    return None


def _familiar(image: str) -> str:
    """An image's name without what Docker adds by itself."""
    return image.removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")


def _syntax_line(plan: BuildPlan) -> int | None:
    lines = plan.dockerfile_data.split(b"\n")
    return next((number for number, line in enumerate(lines, 1) if _SYNTAX.match(line)), None)
