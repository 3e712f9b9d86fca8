"""The steps of an image: its history, each entry with its layer and its line of the Dockerfile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ctxsize.dockerfile.parse import Dockerfile, Instruction
from ctxsize.dockerfile.resolve import ResolvedDockerfile
from ctxsize.image.types import Image, Layer
from ctxsize.measure.history import instruction_text, is_ours, makes_layers


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the history. ``position`` is that of its layer in the image, None when it made none."""

    number: int
    created_by: str
    text: str
    line: int | None
    position: int | None
    layer: Layer | None


def steps_of(
    image: Image, lines: Mapping[int, int], dockerfile: Dockerfile | None = None
) -> tuple[Step, ...]:
    """The steps of an image, lowest first. ``lines`` has the Dockerfile's line of each entry of the history
    that has one. Layers that no entry made have a step each, after the others."""
    texts = {} if dockerfile is None else {each.line: written(each) for each in dockerfile.instructions}
    steps: list[Step] = []
    position = 0
    for index, entry in enumerate(image.history):
        if is_ours(entry) and entry.layer is None:
            continue
        line = lines.get(index)
        text = texts.get(line) if line is not None else None
        steps.append(
            Step(
                number=len(steps) + 1,
                created_by=entry.created_by,
                text=text or instruction_text(entry.created_by),
                line=line,
                position=None if entry.layer is None else position,
                layer=entry.layer,
            )
        )
        position += entry.layer is not None
    for layer in image.layers[position:]:
        steps.append(Step(len(steps) + 1, "", "", None, position, layer))
        position += 1
    return tuple(steps)


def written(instruction: Instruction) -> str:
    """An instruction on one line: flags, arguments, continuation lines joined."""
    flags = (f"--{name}" if value is None else f"--{name}={value}" for name, value in instruction.flags)
    return " ".join([instruction.keyword, *flags, *instruction.args.split()])


def lines_of(image: Image, resolved: ResolvedDockerfile) -> dict[int, int]:
    """The line of each entry of the history that the Dockerfile's own instructions made, by its index.

    Instructions are matched from the end: what is left over at the start is the base image's.
    """
    made = [
        (stage.line_of(step), step.kind)
        for stage in (resolved.stages[number] for number in resolved.chain)
        for step in stage.steps
        if step.kind != "other"
    ]
    entries = [index for index, entry in enumerate(image.history) if makes_layers(entry)]
    return {index: line for index, (line, _) in zip(reversed(entries), reversed(made), strict=False)}
