"""Images as an engine saves them: one tar, asked for by their ids."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from ctxsize.errors import EngineError
from ctxsize.files.tarlist import Readable
from ctxsize.image import pullsizes
from ctxsize.image.content import Content, digest_of
from ctxsize.image.reader import LayerReader


def read_saved(
    reader: LayerReader, source: Readable, image_ids: Sequence[str], digests: Mapping[str, str] | None = None
) -> None:
    """Read what `docker save` wrote of the images ``image_ids`` into ``reader``, all in one pass so that
    shared layers are read once. ``digests`` are those of the manifests by which what was saved has them,
    where these are not their ids.

    Raises EngineError when an image is not there whole; tarfile.TarError, sqlite3.Error, OSError, and
    LookupError, TypeError, ValueError, AttributeError or RecursionError for documents that make no sense.
    """
    content = Content(reader, pullsizes.load())
    content.add_tar(source)
    manifest = content.document("manifest.json")
    if not isinstance(manifest, list):
        raise EngineError("the engine's answer to `docker save` has no manifest")
    pullsizes.remember(_shared_sizes(content, manifest))
    records = {digest_of(record["Config"]): record for record in manifest}
    for image_id in image_ids:
        digest = (digests or {}).get(image_id, image_id)
        record = records.get(_config_digest(content, digest.removeprefix("sha256:"), records))
        if record is None:
            raise EngineError(f"the engine's answer to `docker save` lacks the image {image_id}")
        reader.images[image_id] = content.image(image_id, record)


def _shared_sizes(content: Content, manifest: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The sizes of the layers that all images have: those of the base, which the next run has too."""
    lists = [[content.resolve(path) for path in record["Layers"]] for record in manifest]
    shared = set(lists[0]).intersection(*lists[1:]) if len(lists) > 1 else set()
    layers = {path: content.layer(path) for path in shared}
    sizes = {path: layer.pull_bytes for path, layer in layers.items() if layer is not None}
    return {path: size for path, size in sizes.items() if size is not None}


def _config_digest(content: Content, digest: str, records: Container[str]) -> str:
    """The digest of an image's configuration. With the containerd image store an image's id is that of its
    manifest, or of an index of manifests: of those the engine has, ``records`` has the one it takes."""
    document = content.document(f"blobs/sha256/{digest}")
    if not isinstance(document, dict):
        return digest
    if "config" in document and "layers" in document:
        return digest_of(document["config"]["digest"])
    for manifest in document.get("manifests") or []:
        if content.has_document(f"blobs/sha256/{digest_of(manifest['digest'])}"):
            found = _config_digest(content, digest_of(manifest["digest"]), records)
            if found in records:
                return found
    return digest
