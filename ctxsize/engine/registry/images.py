"""An image of a registry: its sizes from the manifest alone, and its layers only when they are asked for."""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from ctxsize.engine.registry.client import Registry
from ctxsize.engine.registry.reference import Reference
from ctxsize.errors import EngineError, UsageError
from ctxsize.image.content import Content
from ctxsize.image.manifest import (
    ACCEPT,
    Config,
    Manifest,
    ManifestError,
    choose,
    parse_config,
    parse_manifest,
)
from ctxsize.image.reader import LayerReader
from ctxsize.image.streams import Body

_Reader = TypeVar("_Reader", bound=LayerReader)


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """An image as a registry describes it. ``id`` is its configuration's digest, ``digest`` that of its
    manifest; ``data`` is the configuration as it came."""

    reference: Reference
    id: str
    digest: str
    manifest: Manifest
    config: Config
    data: bytes

    @property
    def pull_bytes(self) -> int:
        """What a first pull transfers; a layer that occurs twice is transferred once."""
        return sum({layer.digest: layer.bytes for layer in self.manifest.layers}.values())


def describe(registry: Registry, reference: Reference, platform: str | None = None) -> RemoteImage:
    """Ask for the manifest and the configuration, and for nothing else.

    ``platform`` chooses from an index, as in ``choose``. Raises UsageError, with the platforms that are
    there, EngineError, and what Registry raises.
    """
    where = str(reference)
    with _sense(where):
        data, digest = registry.manifest(reference.version, ACCEPT)
        found = parse_manifest(data)
        if isinstance(found, tuple):
            chosen = found[choose([each.platform for each in found], platform, where)]
            data, digest = registry.manifest(chosen.manifest.digest, ACCEPT)
            found = parse_manifest(data)
            if isinstance(found, tuple):
                raise ManifestError("its index names another index")
        blob = registry.small_blob(found.config.digest, found.config.bytes)
        config = parse_config(blob, len(found.layers))
    if config.platform != "unknown":
        choose([config.platform], platform, where)
    return RemoteImage(reference, found.config.digest, digest, found, config, blob)


def read_layers(
    registry: Registry,
    image: RemoteImage,
    into: Callable[[], _Reader],
    progress: Callable[[str], None] = lambda _: None,
) -> _Reader:
    """Read all layers as they are streamed; nothing of them is kept but their listings. The reader of the
    kind that ``into`` makes has the image in ``images`` under its id. Raises EngineError, and UsageError
    when there is no room for the listing."""
    layers = list(dict.fromkeys(image.manifest.layers))
    with ExitStack() as undo, _reading(image.reference):
        reader = into()
        undo.enter_context(reader)
        content = Content(reader, {})
        content.add(image.id, len(image.data), Body(iter((image.data,))))
        for number, layer in enumerate(layers, 1):
            progress(f"layer {number} of {len(layers)}")
            with registry.blob(layer.digest, layer.bytes) as pieces:
                body = Body(pieces)
                content.add(layer.digest, layer.bytes, body)
                body.drain()  # to the end, where its digest is looked at
        record = {"Config": image.id, "Layers": [layer.digest for layer in image.manifest.layers]}
        reader.images[image.id] = content.image(image.id, record)
        undo.pop_all()
    return reader


@contextmanager
def _sense(where: str) -> Iterator[None]:
    try:
        yield
    except ManifestError as error:
        raise EngineError(f"{where}: the registry's answer makes no sense: {error}") from error


@contextmanager
def _reading(reference: Reference) -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise EngineError(f"{reference}: {error}") from error
    except sqlite3.Error as error:
        raise UsageError(
            f"the image's files can't be listed: {error}", hint="have TMPDIR name a directory with room"
        ) from error
