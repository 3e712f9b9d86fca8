"""Which Dockerfile instruction made which layer of the two images, and what differs there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import zip_longest

from ctxsize.comparison.attribution import StepChanges
from ctxsize.dockerfile.mapping import ImageMap, LayerStep, Origin
from ctxsize.engine.marks import is_marker
from ctxsize.image.reader import ImageReader
from ctxsize.image.types import HistoryEntry, Image, Layer

_KEYWORDS = {"COPY", "ADD", "RUN", "WORKDIR"}
_CLASSIC = re.compile(r"#\(nop\)\s+([A-Z]+)\b")
_BUILDKIT = re.compile(r"([A-Z]+)\b")
_METADATA = {
    *("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "SHELL"),
    *("STOPSIGNAL", "USER", "VOLUME"),
}


def own_layers(image: Image) -> tuple[Layer, ...]:
    """The layers without those of the steps that a measurement inserts, which are empty."""
    return tuple(
        entry.layer for entry in image.history if entry.layer is not None and not is_marker(entry.created_by)
    )


def step_changes(
    reader: ImageReader, with_image: Image, without_image: Image, image_map: ImageMap
) -> Iterator[StepChanges]:
    """What differs between the images, step by step, lowest layer first.

    Both come from the same Dockerfile, so their histories have the same entries. They are matched with
    the instructions from the end: what is left over at the start is the base image's.
    """
    pairs = list(zip_longest(_layer_history(with_image), _layer_history(without_image)))
    known = image_map.steps[-len(pairs) :] if pairs else ()
    steps: list[LayerStep | None] = [*([None] * (len(pairs) - len(known))), *known]
    different = False
    for (before, after), step in zip(pairs, steps, strict=True):
        with_layer, without_layer = _layer(before), _layer(after)
        if _same(with_layer, without_layer):
            continue

        yield StepChanges(
            changes=reader.changes(with_layer, without_layer),
            origins=_no_origins if step is None else partial(image_map.find, step),
            makes_files=step is None or step.kind == "run" or step.uses_from is not None,
            after_difference=different or (step is not None and step.uses_from is not None),
            line=step.line if step is not None else None,
        )
        different = True


def _no_origins(image_path: str) -> tuple[Origin, ...]:
    """For a layer that no instruction of the Dockerfile is known to have made."""
    return ()


def _layer_history(image: Image) -> list[HistoryEntry]:
    return [entry for entry in image.history if _keyword(entry.created_by) in _KEYWORDS]


def _keyword(created_by: str) -> str | None:
    """The instruction a history entry is of; None for a step that a measurement inserted.

    The classic builder writes ``/bin/sh -c #(nop) COPY …`` and, for a RUN, only the command.
    """
    if is_marker(created_by):
        return None
    if match := _CLASSIC.search(created_by):
        return match[1]
    match = _BUILDKIT.match(created_by)
    if match and (match[1] in _KEYWORDS or match[1] in _METADATA):
        return match[1]
    return "RUN"


def _layer(entry: HistoryEntry | None) -> Layer | None:
    return entry.layer if entry is not None else None


def _same(one: Layer | None, other: Layer | None) -> bool:
    return one is other or (one is not None and other is not None and one.diff_id == other.diff_id)
