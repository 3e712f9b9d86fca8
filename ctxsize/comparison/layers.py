"""Which Dockerfile instruction made which layer of the two images, and what differs there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from ctxsize.dockerfile.mapping import ImageMap, LayerStep, Origin
from ctxsize.image.reader import ImageReader
from ctxsize.image.types import Change, Image, Layer
from ctxsize.measure.history import layer_history

#: Where an image path may have come from: context paths, most likely first.
Origins = Callable[[str], Iterable[Origin]]


@dataclass(frozen=True, slots=True)
class StepChanges:
    """The paths that differ in the layer of one step.

    ``makes_files`` is True for a RUN: it made what has no origin, if ``after_difference``: an earlier
    step's result already differed between the variants. ``line`` is the instruction's, None for one that is
    not in the Dockerfile. ``pull_bytes`` is what the step's layer adds to a first pull, without − with.
    """

    changes: Iterable[Change]
    origins: Origins
    makes_files: bool
    after_difference: bool
    line: int | None = None
    pull_bytes: int = 0


def step_changes(
    reader: ImageReader, with_image: Image, without_image: Image, image_map: ImageMap
) -> Iterator[StepChanges]:
    """What differs between the images, step by step, lowest layer first.

    Both come from the same Dockerfile, so their histories have the same entries. They are matched with
    the instructions from the end: what is left over at the start is the base image's, or the directory that
    the first stage starts from.
    """
    pairs = list(zip_longest(layer_history(with_image), layer_history(without_image)))
    known = image_map.steps[-len(pairs) :] if pairs else ()
    steps: list[LayerStep | None] = [*([None] * (len(pairs) - len(known))), *known]
    base = len(pairs) - len(known) - 1 if image_map.has_base else None
    different = False
    pulled_with: set[str] = set()
    pulled_without: set[str] = set()
    for number, ((before, after), step) in enumerate(zip(pairs, steps, strict=True)):
        with_layer, without_layer = (entry.layer if entry is not None else None for entry in (before, after))
        pull_bytes = _pulled(without_layer, pulled_without) - _pulled(with_layer, pulled_with)
        same = (with_layer and with_layer.diff_id) == (without_layer and without_layer.diff_id)
        if same and not pull_bytes:
            continue
        from_base = number == base
        yield StepChanges(
            changes=() if same else reader.changes(with_layer, without_layer),
            origins=image_map.find_base if from_base else _origins(image_map, step),
            makes_files=not from_base and (step is None or step.kind == "run" or step.uses_from is not None),
            after_difference=different or (step is not None and (step.uses_from is not None or step.mounts)),
            line=step.line if step is not None else None,
            pull_bytes=pull_bytes,
        )
        different = different or not same


def _origins(image_map: ImageMap, step: LayerStep | None) -> Origins:
    return (lambda _path: ()) if step is None else partial(image_map.find, step)


def _pulled(layer: Layer | None, before: set[str]) -> int:
    """What ``layer`` adds to a pull: nothing when it is one of those ``before``, which it then joins."""
    if layer is None or layer.diff_id in before:
        return 0
    before.add(layer.diff_id)
    return layer.pull_bytes or 0
