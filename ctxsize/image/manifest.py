"""What a registry says of an image before any layer is fetched: its manifest, its index, its configuration.

The formats are https://github.com/opencontainers/image-spec/blob/main/manifest.md and image-index.md, and
Docker's of the same form. Nothing in them is trusted: what they say wrong is a ``ManifestError``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ctxsize.dockerfile.platforms import VARIABLE, asked_platform, chosen, local_platform
from ctxsize.errors import UsageError
from ctxsize.files.nested import nested_input
from ctxsize.image.content import MOST_LAYERS, platform_of
from ctxsize.text import printable

#: What is asked for: an image, or an index of images by platform.
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
#: Bytes of a configuration, which has a line for each step.
MOST_CONFIG = 8 << 20
_MOST_ENTRIES = 1000
_MOST_SHOWN = 12
_LARGEST = 1 << 50
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ManifestError(ValueError):
    """A document that no registry should have. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in a registry: its digest, and the bytes that a pull of it transfers."""

    digest: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an image consists of: its configuration and its layers, lowest first."""

    config: Blob
    layers: tuple[Blob, ...]


@dataclass(frozen=True, slots=True)
class Platformed:
    """An image of an index, and what it is for; ``platform`` is None when the index does not tell."""

    manifest: Blob
    platform: str | None


@dataclass(frozen=True, slots=True)
class Config:
    """What an image's configuration says: its platform, the names of its layers' contents, lowest first, and
    its history, each line with whether it made a layer."""

    platform: str
    diff_ids: tuple[str, ...]
    history: tuple[tuple[str, bool], ...]


def parse_manifest(data: bytes) -> Manifest | tuple[Platformed, ...]:
    """The manifest, or the images of the index, that ``data`` holds. Raises ManifestError."""
    document = _object(data, "the manifest")
    if document.get("schemaVersion") == 1:
        raise ManifestError("its manifest is of the first version, which registries gave up")
    if "manifests" in document:
        entries = _list(document["manifests"], "the index")
        if len(entries) > _MOST_ENTRIES:
            raise ManifestError(f"its index has more than {_MOST_ENTRIES} entries")
        return tuple(_platformed(entry) for entry in entries if not _is_about_another(entry))
    layers = _list(document.get("layers"), "the manifest")
    if len(layers) > MOST_LAYERS:
        raise ManifestError(f"an image has more than {MOST_LAYERS} layers")
    config = _blob(document.get("config"))
    if config.bytes > MOST_CONFIG:
        raise ManifestError(f"its configuration has {config.bytes} bytes; {MOST_CONFIG} is the most")
    return Manifest(config, tuple(map(_blob, layers)))


def parse_config(data: bytes, layers: int) -> Config:
    """The configuration that ``data`` holds, of an image of so many ``layers``. Raises ManifestError."""
    document = _object(data, "the configuration")
    rootfs = document.get("rootfs")
    diff_ids = _list(rootfs.get("diff_ids") if isinstance(rootfs, dict) else None, "the configuration")
    history = _list(document.get("history") or [], "the configuration")
    if len(diff_ids) != layers or not all(isinstance(each, str) for each in diff_ids):
        raise ManifestError("its configuration names other layers than its manifest")
    if not all(isinstance(entry, dict) for entry in history):
        raise ManifestError("its configuration has no sensible history")
    return Config(
        platform_of(document) or "unknown",
        tuple(diff_ids),
        tuple((str(each.get("created_by", "")), not each.get("empty_layer")) for each in history),
    )


def choose(platforms: Sequence[str | None], platform: str | None, where: str) -> int:
    """Which of images, by what each is for, is the one for ``platform`` (None: that of
    DOCKER_DEFAULT_PLATFORM, else of this machine, or the only one). Raises UsageError, with the platforms
    that are there."""
    asked = asked_platform(platform)
    wanted = asked or local_platform()
    found = chosen(platforms, wanted)
    if found is not None:
        return found
    if len(platforms) == 1 and asked is None:
        return 0
    there = list(dict.fromkeys(each or "unknown" for each in platforms))
    if len(there) == 1:
        hint = None if platform else f"{VARIABLE} says so; --platform goes over it"
        raise UsageError(printable(f"it is for {there[0]}, not for {wanted}"), where=where, hint=hint)
    more = f" and {len(there) - _MOST_SHOWN} more" if len(there) > _MOST_SHOWN else ""
    hint = f"--platform takes: {', '.join(there[:_MOST_SHOWN])}{more}" if there else "the index is empty"
    raise UsageError(f"there is no image for {wanted} in it", where=where, hint=printable(hint))


def _platformed(entry: Any) -> Platformed:
    said = entry.get("platform") if isinstance(entry, dict) else None
    return Platformed(_blob(entry), platform_of(said) if isinstance(said, dict) else None)


def _is_about_another(entry: Any) -> bool:
    """Whether it is no image, but an attestation of one."""
    notes = entry.get("annotations") if isinstance(entry, dict) else None
    return isinstance(notes, dict) and notes.get("vnd.docker.reference.type") == "attestation-manifest"


def _blob(entry: Any) -> Blob:
    digest, size = (entry.get("digest"), entry.get("size")) if isinstance(entry, dict) else (None, None)
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ManifestError("it names a blob by something that is no SHA-256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST:
        raise ManifestError("it gives a blob a size that none has")
    return Blob(digest, size)


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        with nested_input():
            document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ManifestError(f"{what} is no JSON object")
    return document


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ManifestError(f"{what} lacks what it must have")
    return value
