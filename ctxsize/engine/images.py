"""Images that an engine has: their ids, and what is in them."""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol, TypeVar

import docker
from docker.errors import DockerException

from ctxsize.engine.buildkit.bridge import speaks
from ctxsize.engine.errors import NONSENSE, TROUBLE, engine_trouble, reason, sensible
from ctxsize.engine.marks import RUN_LABEL
from ctxsize.engine.platforms import EngineImage
from ctxsize.errors import EngineError, UsageError, full_disk_hint
from ctxsize.image.content import platform_of
from ctxsize.image.reader import LayerReader
from ctxsize.image.saved import read_saved
from ctxsize.image.streams import BLOCK, Body
from ctxsize.image.types import HistoryEntry, Image
from ctxsize.progress import Progress

#: What of an image's configuration makes a difference to who starts it.
_CONFIGURATION = {
    *("Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "OnBuild", "Shell", "StopSignal"),
    *("User", "Volumes", "WorkingDir"),
}
_Reader = TypeVar("_Reader", bound=LayerReader)
#: How long the engine may say nothing: older ones write all layers to their disk before the first byte.
_SAVE_SECONDS = 600


def layers_of(api: docker.APIClient, image: EngineImage) -> tuple[str, ...]:
    """The digests of an image's layers, lowest first, as ``Layer.diff_id`` has them. Raises EngineError."""
    with engine_trouble(), sensible("the image"):
        asked = image.asked if speaks(api, (1, 49)) else {}
        about = api.inspect_image(image.id, **asked)
        return tuple(map(str, (about.get("RootFS") or {}).get("Layers") or ()))


def configuration_of(image: Image) -> dict[str, str]:
    """What an image says of how a container is started, each value as text, without the marks of a run.
    Raises EngineError."""
    with sensible("the image"):
        labels = image.config.get("Labels") or {}
        config = {
            **image.config,
            # On Podman they have one more, of the build.
            "Labels": {name: labels[name] for name in sorted(labels) if not name.startswith(RUN_LABEL)},
        }
        return {name: repr(value) for name, value in config.items() if value and name in _CONFIGURATION}


class ImageStore(Protocol):
    """Where the images of a builder are, by the ``image_id`` of its builds."""

    def read_into(
        self, reader: LayerReader, image_ids: Sequence[str], progress: Progress | None = None
    ) -> None:
        """Have an open reader read images; ``progress`` is told of the bytes.

        Raises EngineError when what the builder gives breaks off or makes no sense, and UsageError when
        there is no room for the listing.
        """

    def bytes_of(self, image_id: str) -> int | None:
        """The store's own figure for the size of an image; None where it has none. Raises EngineError."""

    def on_engine(self, image_id: str) -> str:
        """The id of an image on the user's engine, where it can be tagged and run. It is loaded into that
        where the builder keeps no images. Raises EngineError, also when there is no engine."""


class EngineImages:
    """The images of an engine, as an ImageStore. ``one`` is the only one that is read, of several that have
    its id."""

    def __init__(self, api: docker.APIClient, one: EngineImage | None = None) -> None:
        self._api = api
        self._one = one

    def read_into(
        self, reader: LayerReader, image_ids: Sequence[str], progress: Progress | None = None
    ) -> None:
        """Read images as `docker save` streams them; see ImageStore."""
        several = self._one is not None and self._one.manifest is not None
        with reading_errors():
            bare = {image_id: None if several else _bare(self._api, image_id) for image_id in image_ids}
            reader.images.update((image_id, image) for image_id, image in bare.items() if image is not None)
            filled = [image_id for image_id in image_ids if bare[image_id] is None]
            if filled:
                self._read_saved(reader, filled, progress)

    def bytes_of(self, image_id: str) -> int | None:
        """What the engine says; see ImageStore."""
        with engine_trouble(), sensible("the image"):
            return int(self._api.inspect_image(image_id)["Size"])

    def on_engine(self, image_id: str) -> str:
        """It is there; see ImageStore."""
        return image_id

    def _read_saved(self, reader: LayerReader, image_ids: Sequence[str], progress: Progress | None) -> None:
        api, one = self._api, self._one
        parameters = {"names": image_ids, **(one.asked if one is not None else {})}
        response = api._get(api._url("/images/get"), params=parameters, stream=True, timeout=_SAVE_SECONDS)
        with response:
            api._raise_for_status(response)
            pieces: Iterator[bytes] = response.iter_content(BLOCK)
            if progress is not None:
                progress.expect(size=_saved_bytes(api, image_ids))
                pieces = _counted(pieces, progress)
            digests = {one.id: one.manifest} if one is not None and one.manifest is not None else {}
            read_saved(reader, Body(pieces), image_ids, digests)


def read_images(
    store: ImageStore,
    image_ids: Sequence[str],
    into: Callable[[], _Reader],
    progress: Progress | None = None,
) -> _Reader:
    """Read images into a reader of the kind that ``into`` makes; ``progress`` is told of the bytes. Raises as
    ImageStore.read_into."""
    with ExitStack() as undo, reading_errors():
        reader = into()
        undo.enter_context(reader)
        store.read_into(reader, image_ids, progress)
        undo.pop_all()
    return reader


def read_one(
    api: docker.APIClient,
    image: EngineImage,
    into: Callable[[], _Reader],
    progress: Progress | None = None,
) -> _Reader:
    """As ``read_images``, for one image of those that may have its id."""
    return read_images(EngineImages(api, image), [image.id], into, progress)


def _saved_bytes(api: docker.APIClient, image_ids: Sequence[str]) -> int | None:
    """About how many bytes `docker save` streams: a step that several images have comes once. None where the
    engine does not tell; then the reading itself fails, or does without."""
    try:
        steps = {
            (step["Created"], step["CreatedBy"]): int(step["Size"])
            for image_id in image_ids
            for step in api.history(image_id)
        }
    except (*TROUBLE, *NONSENSE):
        return None
    return sum(steps.values())


def _counted(chunks: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        progress.read(size)
        yield chunk


def _bare(api: docker.APIClient, image_id: str) -> Image | None:
    """The image if it has no layers, as after ``FROM scratch`` and a LABEL: older engines do not save it."""
    with sensible("an image"):
        about = api.inspect_image(image_id)
        if (about.get("RootFS") or {}).get("Layers"):
            return None
        steps = [str(step.get("CreatedBy", "")) for step in reversed(api.history(image_id))]
        config = dict(about.get("Config") or {})
        platform = platform_of({key.lower(): value for key, value in about.items()})
    history = tuple(HistoryEntry(step, None) for step in steps)
    return Image(image_id, (), history, platform, config)


@contextmanager
def reading_errors(source: str = "the engine") -> Iterator[None]:
    """Raise what goes wrong while images are read from ``source`` as errors of ours; see ImageStore."""
    try:
        yield
    except (tarfile.TarError, *TROUBLE, OSError) as error:
        why = reason(error) if isinstance(error, TROUBLE) else str(error)
        full = full_disk_hint(why) if isinstance(error, DockerException) else None
        raise EngineError(
            f"reading the images back from {source} failed: {why}",
            hint=full or f"is {source} still running, and is there room for its temporary files?",
        ) from error
    except sqlite3.Error as error:
        raise UsageError(
            f"the images' files can't be listed: {error}", hint="have TMPDIR name a directory with room"
        ) from error
    except NONSENSE as error:
        raise EngineError(f"what {source} gives as an image makes no sense") from error
