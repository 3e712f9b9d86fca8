"""Images of a BuildKit that keeps none: each is exported to be read, by a build that is all from the cache.

The export is the tar of an OCI image layout. It is read as it comes, and nothing of it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import docker

from ctxsize.engine.images import reading_errors
from ctxsize.errors import EngineError
from ctxsize.image.archive import read_exported
from ctxsize.image.reader import LayerReader
from ctxsize.image.streams import Body
from ctxsize.image.types import Layer
from ctxsize.progress import Progress, Silent

#: How long the engine may take to load an image.
_LOAD_SECONDS = 600
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Export(Protocol):
    """Builds once more what became ``image_id``, and has ``take`` take the tar that the exporter writes."""

    def __call__(
        self, image_id: str, take: Callable[[Iterator[bytes]], object], exporter: str, **attributes: str
    ) -> None:
        """Export it. ``exporter`` and its ``attributes`` are BuildKit's. Raises BuildFailed, EngineError, and
        what ``take`` raises."""


class ExportedImages:
    """The images of a builder that has no store of its own, as an ImageStore. ``api`` is the client of an
    engine that they can be loaded into."""

    def __init__(self, export: Export, api: docker.APIClient) -> None:
        self._export = export
        self._api = api
        self._loaded: dict[str, str] = {}

    def read_into(
        self, reader: LayerReader, image_ids: Sequence[str], progress: Progress | None = None
    ) -> None:
        """Read images as the builder exports them, one by one; see ImageStore. What several have in common
        comes with each, and is read once."""
        told = progress or Silent()
        layers: dict[str, Layer] = {}
        size = 0

        def count(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            told.read(size)

        def take(image_id: str, pieces: Iterator[bytes]) -> None:
            body = Body(pieces)
            body.listener = count
            read_exported(reader, body, image_id, layers)
            body.drain()

        # As a registry would get them, where it matters how large they are then.
        how = {} if reader.compresses else {"compression": "uncompressed"}
        with reading_errors("the builder"):
            for image_id in image_ids:
                self._export(image_id, partial(take, image_id), "oci", **how)

    def bytes_of(self, image_id: str) -> int | None:
        """There is no other figure than ours."""
        return None

    def on_engine(self, image_id: str) -> str:
        """Load it into the engine; see ImageStore."""
        if image_id not in self._loaded:
            said: list[str] = []
            self._api.ping()  # rather before it is built again for nobody
            self._export(image_id, lambda pieces: said.append(self._load(pieces)), "docker")
            digests = _DIGEST.findall("".join(said))
            if not digests:
                raise EngineError("the engine does not say which image it has loaded")
            self._loaded[image_id] = digests[-1]
        return self._loaded[image_id]

    def _load(self, pieces: Iterator[bytes]) -> str:
        """What the engine says when it is given the tar of an image."""
        api = self._api
        response = api._post(api._url("/images/load"), data=pieces, timeout=_LOAD_SECONDS)
        api._raise_for_status(response)
        return str(response.text)
