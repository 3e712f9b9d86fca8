"""BuildKit's vertices as the steps of the user's Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ctxsize.dockerfile.parse import Dockerfile
from ctxsize.dockerfile.resolve import ResolvedDockerfile
from ctxsize.dockerfile.rewrite import RewrittenDockerfile
from ctxsize.engine.builders.criticalpath import Span, critical_seconds
from ctxsize.engine.builders.interface import Step, phase_of
from ctxsize.engine.builders.output import Place
from ctxsize.engine.buildkit import Vertex
from ctxsize.engine.marks import is_marker

_NUMBERED = re.compile(r"^\[(?:(?P<stage>\S+) +)?(?P<number>\d+)/\d+\] +(?P<text>.*)$", re.DOTALL)
#: The instructions BuildKit numbers (frontend/dockerfile/dockerfile2llb: cmdTotal).
_COUNTED = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})
_LOADS = ("[internal] load build context",)
_NAMED_LOAD = re.compile(r"\[context .+\] load from client$", re.DOTALL)
_EXPORTS = ("exporting to ", "exporting layers", "writing image", "naming to ")


def steps_of(vertices: Iterable[Vertex], place: Callable[[str], Place]) -> tuple[Step, ...]:
    """The steps of one build in the order they started, without the markers.

    ``place`` gives the place of a step in the Dockerfile (see ``places``).
    A step that never ran (a cache hit that was not even looked at) has 0 seconds.
    """
    every = list(vertices)
    spans = [Span(vertex.digest, start, end) for vertex in every for start, end in vertex.runs]
    critical = critical_seconds(spans, {vertex.digest: vertex.inputs for vertex in every})
    ran = [vertex for vertex in every if not is_marker(vertex.name)]
    started = [vertex.started for vertex in ran if vertex.started is not None]
    beginning = min(started, default=0.0)
    steps = []
    for vertex in ran:
        match = _NUMBERED.match(vertex.name)
        text = match["text"] if match else vertex.name
        steps.append(
            Step(
                name=text,
                seconds=vertex.seconds or 0.0,
                cached=vertex.cached,
                phase=_phase(text),
                line=place(vertex.name).line,
                started=(vertex.started - beginning) if vertex.started is not None else 0.0,
                critical=critical.get(vertex.digest, 0.0),
            )
        )
    return tuple(sorted(steps, key=lambda step: step.started))


def ran_again(vertices: Iterable[Vertex]) -> str | None:
    """The step of the Dockerfile that ran first, of a build that was to have all of them from the cache; None
    when none did."""
    found = {
        vertex.started: match["text"]
        for vertex in vertices
        if vertex.started is not None and not vertex.cached and not is_marker(vertex.name)
        if (match := _NUMBERED.match(vertex.name)) and match["text"].partition(" ")[0].upper() in _COUNTED
    }
    return found[min(found)] if found else None


def places(
    rewritten: Dockerfile, file: RewrittenDockerfile, resolved: ResolvedDockerfile
) -> Callable[[str], Place]:
    """Where the user's Dockerfile has a step that BuildKit names; without the markers in the numbers of
    ``[stage 3/7]``.

    BuildKit counts the FROM of an image as 1 and then every ADD, COPY, RUN and WORKDIR of the stage, those
    that ONBUILD triggers first, which have the line of the FROM; a stage without a name is ``stage-N``, and
    in a Dockerfile of one stage the name may be left out. ``resolved`` knows the triggers.
    """
    table: dict[tuple[str | None, int], tuple[int, int, int]] = {}
    for labels, numbered in _numbered(rewritten, resolved):
        own = [line for line in numbered if line not in file.inserted]
        for number, line in enumerate(numbered, start=1):
            at = sum(1 for each in numbered[:number] if each not in file.inserted)
            table.update({(label, number): (file.original_line(line), at, len(own)) for label in labels})

    def place(step: str) -> Place:
        match = _NUMBERED.match(step)
        found = table.get((match["stage"], int(match["number"]))) if match else None
        if match is None or found is None:
            return Place(None, step)
        line, number, total = found
        stage = f"{match['stage']} " if match["stage"] else ""
        return Place(line, f"[{stage}{number}/{total}] {match['text']}")

    return place


def _numbered(
    rewritten: Dockerfile, resolved: ResolvedDockerfile
) -> Iterator[tuple[set[str | None], list[int]]]:
    """For each stage what BuildKit may call it, and the line of each step that it numbers, from 1."""
    names = {stage.name for stage in rewritten.stages if stage.name}
    for stage in rewritten.stages:
        from_image = stage.base.lower() not in names | {"scratch"}
        triggers = [
            stage.line
            for step in resolved.stages[stage.index].steps
            if step.trigger and step.instruction.keyword in _COUNTED
        ]
        counted = [*triggers, *(i.line for i in stage.instructions if i.keyword in _COUNTED)]
        labels = {stage.name, f"stage-{stage.index}"} | ({None} if len(rewritten.stages) == 1 else set())
        yield labels, [stage.line, *counted] if from_image else counted


def _phase(text: str) -> str:
    if text in _LOADS or _NAMED_LOAD.match(text):
        return "load"
    if text.startswith(_EXPORTS):
        return "export"
    return phase_of(text)
