"""An image that growth is measured from: in a registry, where its manifest is enough, or anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ctxsize.budget.images.inside import Look, step_sizes
from ctxsize.image.reader import ImageReader
from ctxsize.inspection.steps import steps_of
from ctxsize.inspection.stored import stored_source
from ctxsize.measure.target import MeasuredTarget
from ctxsize.progress import Progress

if TYPE_CHECKING:
    from ctxsize.engine.connect import Engine


def image_before(
    name: str, platform: str | None, connect: Callable[[], Engine], progress: Progress
) -> MeasuredTarget:
    """The sizes of the image ``name``, as `ctxsize image` takes it: of one in a registry what its manifest
    and configuration say. Raises CtxsizeError."""
    from ctxsize.measure import image_sizes

    source = stored_source(name, platform=platform, files=False)
    if source is None:
        return image_sizes.named(connect(), name, platform, paths=True, into=ImageReader, look=Look(()))
    with source(progress) as opened:
        image = opened.image
        sized = "bytes" not in opened.missing
        steps = () if "steps" in opened.missing else steps_of(image, opened.lines, opened.dockerfile)
        return MeasuredTarget(
            image_bytes=image.bytes if sized else None,
            pull_bytes=None if "pull_bytes" in opened.missing else image.pull_bytes,
            layers=image.layers,
            steps=step_sizes(steps, sized=sized),
            image_source=name,
        )


def over_baseline(image: MeasuredTarget, past: MeasuredTarget | None) -> MeasuredTarget:
    """The ``image`` with what else a baseline knows."""
    if past is None:
        return image
    return replace(
        past,
        image_bytes=image.image_bytes,
        pull_bytes=image.pull_bytes,
        image_paths=image.image_paths,
        layers=image.layers,
        steps=image.steps,
    )
