"""Images of a BuildKit that keeps none: to read one, it is exported, by a build that is all in the cache.

The export is the tar of an OCI image layout. It is read as it comes, and nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ctxsize.engine.images import reading_errors
from ctxsize.image.archive import read_exported
from ctxsize.image.reader import LayerReader
from ctxsize.image.streams import Body
from ctxsize.image.types import Layer
from ctxsize.progress import Progress, Silent


class Export(Protocol):
    """Builds once more what became ``image_id``, and has ``take`` take the image, as an OCI layout's tar."""

    def __call__(self, image_id: str, take: Callable[[Iterator[bytes]], object], *, compressed: bool) -> None:
        """Export it; ``compressed``: with the layers as a registry would get them. Raises BuildFailed,
        EngineError, and what ``take`` raises."""


class ExportedImages:
    """The images of a builder that has no store of its own, as an ImageStore."""

    def __init__(self, export: Export) -> None:
        self._export = export

    def read_into(
        self, reader: LayerReader, image_ids: Sequence[str], progress: Progress | None = None
    ) -> None:
        """Read images as the builder exports them, one by one; see ImageStore. What several have in common
        comes with each, and is read once."""
        reading = _Reading(reader, progress or Silent())
        with reading_errors():
            for image_id in image_ids:
                reading.image_id = image_id
                self._export(image_id, reading.take, compressed=reader.compresses)

    def bytes_of(self, image_id: str) -> int | None:
        """There is no other figure than ours."""
        return None


class _Reading:
    """Takes the exports of images, one by one."""

    def __init__(self, reader: LayerReader, progress: Progress) -> None:
        self._reader = reader
        self._progress = progress
        self._layers: dict[str, Layer] = {}
        self._bytes = 0
        self.image_id = ""

    def take(self, pieces: Iterator[bytes]) -> None:
        """Read one."""
        body = Body(pieces)
        body.listener = self._count
        read_exported(self._reader, body, self.image_id, self._layers)
        body.drain()

    def _count(self, piece: bytes) -> None:
        self._bytes += len(piece)
        self._progress.read(self._bytes)
