"""One image looked at: from what a source yields to the report."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ctxsize import __version__
from ctxsize.errors import UsageError
from ctxsize.image.entries import path_of
from ctxsize.image.inventory import Stored
from ctxsize.image.types import Image
from ctxsize.inspection.sources import OpenedImage
from ctxsize.inspection.steps import Step, steps_of
from ctxsize.inspection.tally import Asked, Tally, directory_of, extension_of
from ctxsize.inspection.types import Duplicate, ImageName, ImageReport, ImageStep, ImageTotals

#: Contents that are several times in the image, of which the report tells at most.
MOST_DUPLICATES = 1_000
_NO_FILES = ("live_bytes", "wasted_bytes", "reclaimable_bytes", "leftover_bytes", "duplicate_bytes", "files")


def inspect(opened: OpenedImage, asked: Asked) -> ImageReport:
    """The report on an image, without fixes. Raises UsageError for a view that it does not have."""
    image = opened.image
    if asked.layer is not None and not 0 <= asked.layer < len(image.layers):
        raise UsageError(
            f"there is no layer {asked.layer + 1} in it",
            where=opened.name,
            hint=f"it has {len(image.layers)}, counted from 1",
        )
    if asked.view == "context" and opened.image_map is None:
        raise UsageError(
            "only of an image that is built here is known what came from the context",
            where=opened.name,
            hint="name the project's directory",
        )
    steps = steps_of(image, opened.lines, opened.dockerfile)
    report = ImageReport(
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        image=ImageName(
            name=opened.name,
            id=image.id,
            source=opened.source,
            platform=opened.platform,
            layers=len(image.layers),
            base=opened.base,
            base_source=opened.base_source,
            dockerfile=opened.dockerfile.path if opened.dockerfile is not None else None,
        ),
        engine=opened.engine,
        totals=_sizes_alone(opened),
        steps=tuple(
            _step(step, opened.base or 0, pull, "bytes" not in opened.missing, asked)
            for step, pull in _with_pulls(steps)
        ),
        view=asked.view,
        missing=opened.missing,
        warnings=opened.warnings,
    )
    return report if opened.inventory is None else _with_files(report, opened, steps, asked)


def _with_files(report: ImageReport, opened: OpenedImage, steps: Sequence[Step], asked: Asked) -> ImageReport:
    inventory, base = opened.inventory, opened.base or 0
    assert inventory is not None
    tally = Tally(steps, base, asked)
    tally.take(inventory.stored(opened.image), inventory.pull_bytes, _namer(opened, asked))
    duplicates = tuple(Duplicate(*each) for each in inventory.duplicates(MOST_DUPLICATES))
    wasted, left_out = tally.wasted_list(inventory.pull_bytes)
    leftovers = tally.leftovers()
    rows, rows_left_out = tally.rows()
    totals = replace(
        report.totals,
        files=tally.live_files,
        live_bytes=sum(tally.live.values()),
        wasted_bytes=sum(tally.wasted.values()),
        reclaimable_bytes=sum(size for position, size in tally.wasted.items() if position >= base),
        leftover_bytes=sum(each.bytes for each in leftovers),
        duplicate_bytes=sum(each.wasted_bytes for each in duplicates),
    )
    positions = {step.number: step.position for step in steps}
    return replace(
        report,
        totals=totals,
        steps=tuple(_with_waste(step, positions[step.number], tally) for step in report.steps),
        groups=tally.groups(),
        wasted=wasted,
        wasted_left_out=left_out,
        leftovers=leftovers,
        duplicates=duplicates,
        rows=rows,
        rows_left_out=rows_left_out,
        largest=tally.largest(),
    )


def _sizes_alone(opened: OpenedImage) -> ImageTotals:
    image: Image = opened.image
    base = opened.base
    missing = opened.missing
    return ImageTotals(
        bytes=None if "bytes" in missing else image.bytes,
        files=None,
        pull_bytes=None if "pull_bytes" in missing else image.pull_bytes,
        base_bytes=None
        if base is None or "bytes" in missing
        else sum(layer.bytes for layer in image.layers[:base]),
        live_bytes=None,
        wasted_bytes=None,
        reclaimable_bytes=None,
        leftover_bytes=None,
        duplicate_bytes=None,
    )


def _with_pulls(steps: Sequence[Step]) -> Iterator[tuple[Step, int | None]]:
    """Each step with what it adds to a first pull: a layer that came before adds nothing."""
    seen: set[str] = set()
    for step in steps:
        if step.layer is None:
            yield step, None
        else:
            yield step, 0 if step.layer.diff_id in seen else step.layer.pull_bytes
            seen.add(step.layer.diff_id)


def _step(step: Step, base: int, pull: int | None, sized: bool, asked: Asked) -> ImageStep:
    layer = step.layer
    known = sized or layer is None
    return ImageStep(
        number=step.number,
        created_by=step.created_by,
        text=step.text,
        line=step.line,
        layer=None if step.position is None else step.position + 1,
        base=step.position is not None and step.position < base,
        bytes=None if not known else layer.bytes if layer is not None else 0,
        files=None if not known else layer.files if layer is not None else 0,
        pull_bytes=pull,
        live_bytes=None,
        wasted_bytes=None,
        buried_bytes=None,
        listed=step.position is None or asked.shows(step.position),
    )


def _with_waste(step: ImageStep, position: int | None, tally: Tally) -> ImageStep:
    if position is None:
        return replace(step, live_bytes=0, wasted_bytes=0, buried_bytes=0)
    return replace(
        step,
        live_bytes=tally.live.get(position, 0),
        wasted_bytes=tally.wasted.get(position, 0),
        buried_bytes=tally.buried.get(position, 0),
    )


def _namer(opened: OpenedImage, asked: Asked) -> Callable[[Stored], str] | None:
    """What gives a content the name of its row."""
    if asked.view == "dir":
        return lambda stored: directory_of(stored, asked.depth)
    if asked.view == "ext":
        return extension_of
    return _ContextNames(opened, asked.depth).name if asked.view == "context" else None


class _ContextNames:
    """Which context path the files of an image come from, as deep as is asked for."""

    def __init__(self, opened: OpenedImage, depth: int) -> None:
        assert opened.image_map is not None
        self._map = opened.image_map
        self._base = opened.base or 0
        self._depth = depth
        self._sent = opened.build.sent if opened.build is not None else None
        made = [entry.layer is not None for entry in opened.image.history]
        entries = [index for index in range(len(made)) if index in opened.lines]
        self._steps = {}
        known = self._map.steps[-len(entries) :] if entries else ()
        for index, step in zip(reversed(entries), reversed(known), strict=False):
            if made[index]:
                self._steps[sum(made[:index])] = step

    def name(self, stored: Stored) -> str:
        """The context path that a content came from, or what else it came from."""
        if stored.position < self._base:
            return "(base image)"
        step = self._steps.get(stored.position)
        if step is None:
            return "(unknown)"
        for origin in self._map.find(step, path_of(stored.path)):
            if origin.kind == "archive" or self._sent is None or self._sent.has(origin.path, stored.bytes):
                parts = os.path.dirname(origin.path).split("/")[: self._depth]
                return "/".join(parts) or "."
        return f"(made by {step.kind.upper()})" if step.kind == "run" else "(another stage or image)"
