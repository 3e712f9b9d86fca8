"""Images as values: layers, history, and what differs between two of them. No engine is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as read from `docker save`.

    ``bytes`` is the sum of its files: regular files (hard-linked content once) plus the length of
    symlink targets, which is what the engine itself counts on overlay2. ``pull_bytes`` is its size
    compressed, as a registry stores it, None when it was not asked for. ``recipe`` stands for all that went
    into a build up to this layer, "" where that is not known: two builds of one recipe take the layer from
    the cache, unless something was put into them to measure them.
    """

    key: int
    diff_id: str
    bytes: int
    files: int
    pull_bytes: int | None
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of the image's history and the layer it made, None when it made none."""

    created_by: str
    layer: Layer | None


@dataclass(frozen=True, slots=True)
class Image:
    """An image as it was read: its layers, lowest first, its history, what it says it is for
    (``linux/arm64``), None where that was not read, and what it says of how a container is started, by the
    names of the OCI specification (``Cmd``, ``Env``, …)."""

    id: str
    layers: tuple[Layer, ...]
    history: tuple[HistoryEntry, ...]
    platform: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def bytes(self) -> int:
        """The sum of the layers."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def pull_bytes(self) -> int | None:
        """What a first pull transfers; a layer that occurs twice is transferred once. None: not asked for."""
        sizes = {layer.diff_id: layer.pull_bytes for layer in self.layers}.values()
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None


@dataclass(frozen=True, slots=True)
class Change:
    """A path that has more, or fewer, bytes in one variant's layer than in the other's.

    ``pull_bytes`` is its share of the compressed layers, without − with. ``link`` is the path whose
    content a hard link shares, None for other entries.
    """

    path: str
    bytes_with: int
    bytes_without: int
    pull_bytes: int
    link: str | None

    @property
    def bytes(self) -> int:
        """What the ignore file saves here: without − with."""
        return self.bytes_without - self.bytes_with
