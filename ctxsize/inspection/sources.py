"""Where an image comes from: whatever yields its layers and its history.

Each source is a context manager that yields an OpenedImage; what it needs (an engine, a file, a build) it
opens and closes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from ctxsize.dockerfile.mapping import ImageMap
from ctxsize.engine.connect import Engine, connect
from ctxsize.engine.images import id_of, read_images
from ctxsize.errors import UsageError
from ctxsize.image.inventory import Inventory
from ctxsize.image.types import Image
from ctxsize.measure.figures import EngineFigures
from ctxsize.progress import Progress
from ctxsize.warning import Warning

#: Opens a source.
Source = Callable[[Progress], AbstractContextManager["OpenedImage"]]


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """An image as a source gives it.

    ``name`` is what the user calls it, ``source`` as in ImageName. ``inventory`` has the entries of its
    layers, as long as the source is open; None where only their sizes were asked for: then the ``bytes`` of
    the layers may be 0, and ``missing`` says why, by the names of totals. ``base`` is the number of layers
    of the base image, None when not known; ``lines`` are, for an image built from a Dockerfile, the line of
    each entry of its history, by its index there, and ``image_map`` is the way back to the context.
    """

    name: str
    source: str
    image: Image
    inventory: Inventory | None
    platform: str | None = None
    base: int | None = None
    base_source: str | None = None
    dockerfile: str | None = None
    lines: Mapping[int, int] = field(default_factory=dict)
    image_map: ImageMap | None = None
    engine: EngineFigures | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()


def engine_image(
    name: str, *, engine: Engine | None = None, platform: str | None = None, base: str | None = None
) -> Source:
    """The image ``name`` that the engine has. ``base`` names another one of it that this one starts from.
    Opening it raises UsageError when there is none of that name, or it is not for ``platform``; EngineError."""

    @contextmanager
    def opened(progress: Progress) -> Iterator[OpenedImage]:
        found = engine or connect()
        image_id = id_of(found.api, name)
        progress.phase("read the image")
        with read_images(found.api, [image_id], Inventory) as inventory:
            image = inventory.images[image_id]
            yield OpenedImage(name, "engine", image, inventory, engine=None)

    return opened


def require_platform(name: str, found: str | None, wanted: str | None) -> None:
    """Raise UsageError when an image is for another platform than the one that is asked for."""
    if wanted is not None and found is not None and found != wanted:
        raise UsageError(f"it is for {found}, not for {wanted}", where=name)
