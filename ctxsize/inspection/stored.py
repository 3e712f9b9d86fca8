"""Images that no engine has to give: in a saved archive, in a registry, or in what `compare` wrote."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctxsize.engine.registry.client import Registry
from ctxsize.engine.registry.images import RemoteImage, describe, read_layers
from ctxsize.engine.registry.reference import is_remote, parse_reference
from ctxsize.errors import UsageError
from ctxsize.image.archive import read_archive
from ctxsize.image.inventory import Inventory
from ctxsize.image.types import HistoryEntry, Image, Layer
from ctxsize.inspection.recorded import VARIANTS, is_json, recorded_image
from ctxsize.inspection.sources import OpenedImage, Source
from ctxsize.progress import Progress

#: The archive on standard input.
STDIN = "-"
_BY_MANIFEST = "the registry's manifest has compressed sizes only; --files reads the layers"


def stored_source(
    name: str, *, platform: str | None = None, archived: str | None = None, files: bool = True
) -> Source | None:
    """The source that ``name`` means when it is `registry://…`, `-`, a file (an archive, or the JSON of a
    comparison or of an image), or an OCI layout; else None.

    ``archived`` is the tag of the image that is meant, of several in an archive. Without ``files`` a
    registry is asked for the manifest alone.
    """
    if is_remote(name):
        return registry_image(name, platform=platform, files=files)
    if name == STDIN or (Path(name) / "index.json").is_file():
        return archive_image(name, archived, platform=platform)
    path, variant = name.rpartition("#")[::2] if name.endswith(VARIANTS) else (name, "with")
    if Path(path).is_file():
        return (
            recorded_image(path, variant)
            if is_json(Path(path))
            else archive_image(name, archived, platform=platform)
        )
    if name.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst")) or name.startswith(("/", "./", "../")):
        if Path(name).is_dir():
            return None
        raise UsageError("there is no such file", where=name, hint="`docker save` writes one")
    return None


def archive_image(path: str, archived: str | None = None, *, platform: str | None = None) -> Source:
    """The image in what `docker save` wrote, or in an OCI layout; ``-`` is standard input. Opening it raises
    UsageError."""

    @contextmanager
    def opened(progress: Progress) -> Iterator[OpenedImage]:
        progress.phase("read the image")
        source = sys.stdin.buffer if path == STDIN else Path(path)
        with read_archive(source, archived, Inventory, platform) as inventory:
            (image,) = inventory.images.values()
            name = "standard input" if path == STDIN else path
            yield OpenedImage(name, "archive", image, inventory, image.platform)

    return opened


def registry_image(name: str, *, platform: str | None = None, files: bool = True) -> Source:
    """The image `registry://HOST/NAME:TAG`. Without ``files`` only its manifest and configuration are
    fetched. Opening it raises UsageError and EngineError."""

    @contextmanager
    def opened(progress: Progress) -> Iterator[OpenedImage]:
        reference = parse_reference(name)
        progress.phase("ask the registry")
        with Registry(reference) as registry:
            found = describe(registry, reference, platform)
            shown = str(reference)
            if not files:
                missing = {"bytes": _BY_MANIFEST}
                yield OpenedImage(
                    shown, "registry", described(found), None, found.config.platform, missing=missing
                )
                return
            progress.phase("read the layers")
            with read_layers(registry, found, Inventory, progress.step) as inventory:
                image = inventory.images[found.id]
                yield OpenedImage(shown, "registry", image, inventory, found.config.platform)

    return opened


def described(found: RemoteImage) -> Image:
    """An image of which only the compressed sizes of its layers are known; the others are 0."""
    sizes = zip(found.manifest.layers, found.config.diff_ids, strict=True)
    layers = [Layer(key, diff_id, 0, 0, blob.bytes) for key, (blob, diff_id) in enumerate(sizes)]
    remaining = iter(layers)
    history = tuple(
        HistoryEntry(created_by, next(remaining, None) if made else None)
        for created_by, made in found.config.history
    )
    return Image(found.id, tuple(layers), history, found.config.platform)
