"""The images of both variants: read from the engine once, their sizes, and a tag to keep them by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ctxsize.engine.images import ImageStore
from ctxsize.engine.images import read_images as read_stored
from ctxsize.engine.marks import is_marker
from ctxsize.image.reader import ImageReader
from ctxsize.image.types import Image
from ctxsize.measure.bench import Bench
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import ImageFigures


@dataclass(frozen=True, slots=True)
class Images:
    """The images of the variants that were built, by variant. ``reader`` gives out what their layers hold,
    as long as it is open; None without an image."""

    images: Mapping[str, Image]
    figures: dict[str, ImageFigures]
    reader: ImageReader | None


@contextmanager
def read_images(bench: Bench, builds: Mapping[str, Builds], *, pull_size: bool = True) -> Iterator[Images]:
    """Read the images that were built; ``pull_size``: and compress them. Raises EngineError when the engine
    doesn't give them out."""
    ids = {name: each.image_id for name, each in builds.items() if each.image_id is not None}
    if not ids:
        yield Images({}, {}, None)
        return
    store = bench.builder.images
    bench.progress.phase("read the images")
    wanted = list(dict.fromkeys(ids.values()))
    with read_stored(store, wanted, lambda: ImageReader(compress=pull_size), bench.progress) as reader:
        images = {name: without_markers(reader.images[image_id]) for name, image_id in ids.items()}
        figures = {name: figures_of(store, ids[name], image) for name, image in images.items()}
        yield Images(images, figures, reader)


def without_markers(image: Image) -> Image:
    """``image`` without the steps that a measurement inserts, whose layers are empty."""
    if not any(entry.layer for entry in image.history):
        return image  # an archive's image may have layers and no history
    history = tuple(entry for entry in image.history if not is_marker(entry.created_by))
    layers = tuple(entry.layer for entry in history if entry.layer is not None)
    return replace(image, history=history, layers=layers)


def figures_of(store: ImageStore, image_id: str, image: Image) -> ImageFigures:
    """The sizes of the image that ``store`` has as ``image_id``, by our own count and by the store's. Raises
    EngineError."""
    return ImageFigures(image.id, image.bytes, store.bytes_of(image_id), image.pull_bytes, len(image.layers))


def keep_images(
    bench: Bench, builds: Mapping[str, Builds], images: Mapping[str, ImageFigures]
) -> dict[str, ImageFigures]:
    """The images of ``builds``, each with a tag on the user's engine; a run does not remove what has one.
    Raises EngineError, also when there is no engine to keep them."""
    # A repository's name has lower-case letters, digits and single dashes.
    name = bench.subject.project.name.lower()
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name).split()
    repository = f"ctxsize/{'-'.join(words) or 'project'}"
    kept = {}
    for variant, image in images.items():
        built = builds[variant].image_id
        assert built is not None  # it was read
        image_id = bench.builder.images.on_engine(built)
        bench.subject.engine.api.tag(image_id, repository, variant, force=True)
        kept[variant] = replace(image, tag=f"{repository}:{variant}")
    return kept
