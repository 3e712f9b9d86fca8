"""The images of a comparison as figures: their sizes, and what the ignore file saves in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ctxsize.comparison.attribution import ImageSavings, attribute
from ctxsize.comparison.layers import own_layers, step_changes
from ctxsize.context.roots import IgnoredRoots
from ctxsize.dockerfile.mapping import ImageMap
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import engine_trouble, sensible
from ctxsize.engine.images import open_images
from ctxsize.ignore.matcher import Matcher
from ctxsize.image.types import Image
from ctxsize.measure.builds import WITH, WITHOUT, Measured
from ctxsize.measure.figures import ImageFigures
from ctxsize.measure.subject import Subject
from ctxsize.progress import Progress


def read_images(
    subject: Subject, measured: Mapping[str, Measured], progress: Progress
) -> tuple[dict[str, ImageFigures], ImageSavings | None]:
    """Sizes of the images that were built and, when both were, what each ignored root saves there.

    Raises EngineError when the engine doesn't give them out.
    """
    engine, project = subject.engine, subject.project
    ids = {name: result.image_id for name, result in measured.items() if result.image_id is not None}
    if not ids:
        return {}, None
    progress.phase("read the images")
    with open_images(engine.api, list(dict.fromkeys(ids.values()))) as reader:
        images = {name: reader.images[image_id] for name, image_id in ids.items()}
        figures = {name: _figures(engine, image) for name, image in images.items()}
        if len(images) < 2:
            return figures, None
        links = _directory_links(reader.symlinks(images[WITHOUT].layers))
        image_map = ImageMap(subject.plan.resolved, ContextDirectory(project.context), links)
        rules = project.rules or Matcher((), project.dialect)
        roots = IgnoredRoots(subject.plan.ignored)
        savings = attribute(
            step_changes(reader, images[WITH], images[WITHOUT], image_map),
            lambda path: replace(rules.quick_verdict(path), root=roots.of(path)),
            lambda path: _size(project.context, path),
        )
    return figures, savings


def _figures(engine: Engine, image: Image) -> ImageFigures:
    layers = own_layers(image)
    with engine_trouble(), sensible("the image"):
        engine_bytes = int(engine.api.inspect_image(image.id)["Size"])
    return ImageFigures(
        id=image.id,
        bytes=sum(layer.bytes for layer in layers),
        engine_bytes=engine_bytes,
        pull_bytes=sum({layer.diff_id: layer.pull_bytes for layer in layers}.values()),
        layers=len(layers),
    )


def _directory_links(symlinks: Mapping[str, str]) -> dict[str, str]:
    """The symlinks at the root of an image as clean paths from there (bin → usr/bin)."""
    return {
        path: os.path.normpath(os.path.join("/", os.path.dirname(path), target)).lstrip("/")
        for path, target in symlinks.items()
    }


def _size(context: Path, path: str) -> int | None:
    """The bytes of a context path as they count in an image."""
    try:
        return os.lstat(context / path).st_size
    except OSError:
        return None
