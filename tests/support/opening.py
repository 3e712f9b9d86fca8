"""Images of an engine, read for a test."""

from __future__ import annotations

from collections.abc import Sequence

import docker

from ctxsize.engine.images import EngineImages, read_images
from ctxsize.image.reader import ImageReader


def open_images(api: docker.APIClient, image_ids: Sequence[str]) -> ImageReader:
    """Read them as `docker save` streams them. Raises EngineError."""
    return read_images(EngineImages(api), image_ids, ImageReader)
