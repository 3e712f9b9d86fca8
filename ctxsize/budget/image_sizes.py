"""How large one image is: built for this, there already, or saved in a file.

For the savings of an ignore file there is ctxsize.api.compare; this builds no more than it is asked for.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize.budget.baseline import Paths
from ctxsize.budget.types import LayerSize
from ctxsize.errors import BuildFailed
from ctxsize.text import json_text
from ctxsize.warning import Warning

if TYPE_CHECKING:
    from ctxsize.engine.connect import Engine
    from ctxsize.image.reader import ImageReader
    from ctxsize.image.types import Image
    from ctxsize.measure.subject import Subject
    from ctxsize.progress import Progress

_DEPTH = 3
_MOST_DIRECTORIES = 500
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class ImageSizes:
    """An image, its ``layers`` lowest first. ``paths`` are its largest directories and files, if asked for.

    ``without`` is the image built as if there were no ignore file; ``runs`` are the seconds of timed builds.
    """

    bytes: int
    pull_bytes: int
    layers: tuple[LayerSize, ...]
    paths: Paths | None = None
    without: ImageSizes | None = None
    runs: tuple[float, ...] = ()
    warnings: tuple[Warning, ...] = ()


def built(
    subject: Subject, *, without: bool = False, repeat: int = 0, paths: bool = False, progress: Progress
) -> ImageSizes:
    """Build the subject once with its ignore file, and read the image.

    ``without`` builds it once without the ignore file, too. ``repeat`` builds with the ignore file are
    timed, under the conditions of ``compare``: after a first one, which makes what can come from the cache.
    Nothing is left on the engine. Raises BuildFailed or EngineError.
    """
    from ctxsize.engine.builders.masked import masker_of
    from ctxsize.engine.footprint.run import Run
    from ctxsize.engine.images import open_images
    from ctxsize.measure.figures import WITH, WITHOUT

    with Run(subject.engine) as run, _explained(subject):
        builder = subject.builder(run)
        progress.phase("build")
        ids = [builder.build(subject.variant(WITH), progress=progress).image_id]
        runs = []
        for number in range(repeat):
            progress.phase(f"build {number + 1} of {repeat}")
            result = builder.build(subject.variant(WITH), progress=progress)
            runs.append(result.seconds)
            run.remove_image(result.image_id)
        if without:
            progress.phase("build without the ignore file")
            ids.append(builder.build(subject.variant(WITHOUT), progress=progress).image_id)
        progress.phase("read the image")
        with open_images(subject.engine.api, list(dict.fromkeys(ids))) as reader:
            mask = masker_of(subject.options)
            with_ = _sizes(reader, reader.images[ids[0]], paths, mask)
            return ImageSizes(
                with_.bytes,
                with_.pull_bytes,
                with_.layers,
                with_.paths,
                without=_sizes(reader, reader.images[ids[1]], False) if without else None,
                runs=tuple(runs),
                warnings=subject.warnings,
            )


@contextlib.contextmanager
def _explained(subject: Subject) -> Iterator[None]:
    """A build that fails because the ignore file ignores what the Dockerfile copies names that rule."""
    try:
        yield
    except BuildFailed as failure:
        subject.blame_rule(failure)
        raise


def named(engine: Engine, name: str, *, paths: bool = False) -> ImageSizes:
    """Read an image that the engine has. Raises UsageError when it has none of that name, EngineError."""
    from ctxsize.engine.images import id_of, open_images

    image_id = id_of(engine.api, name)
    with open_images(engine.api, [image_id]) as reader:
        return _sizes(reader, reader.images[image_id], paths)


def archived(path: str, name: str | None = None, *, paths: bool = False) -> ImageSizes:
    """Read an image from what ``docker save`` wrote, or from an OCI layout, without an engine. ``name`` is
    its tag, needed when there are several. Raises UsageError."""
    from ctxsize.image.archive import open_archive

    with open_archive(Path(path), name) as reader:
        (image,) = reader.images.values()
        return _sizes(reader, image, paths)


def _sizes(reader: ImageReader, image: Image, paths: bool, mask: Callable[[str], str] = str) -> ImageSizes:
    from ctxsize.measure.images import without_markers

    image = without_markers(image)
    return ImageSizes(
        bytes=image.bytes,
        pull_bytes=image.pull_bytes,
        layers=tuple(LayerSize(layer.diff_id, layer.bytes, layer.pull_bytes) for layer in image.layers),
        paths=_paths(reader, image, mask) if paths else None,
    )


def _paths(reader: ImageReader, image: Image, mask: Callable[[str], str]) -> Paths:
    """The largest directories and files of all layers; what several layers have counts in each. ``mask``
    keeps values of build arguments out of them, such as of ``COPY . /srv/$TOKEN``."""
    directories: dict[str, int] = {}

    def listing() -> Iterator[tuple[int, str]]:
        for path, size in reader.listing(image):
            parts = path.split("/")[:-1][:_DEPTH]
            above = ""
            for part in parts:
                above += f"/{part}"
                directories[above] = directories.get(above, 0) + size
            yield size, f"/{path}"

    files = heapq.nlargest(_MOST_FILES + 1, listing())
    largest = heapq.nlargest(_MOST_DIRECTORIES + 1, ((size, path) for path, size in directories.items()))
    rows = [*largest[:_MOST_DIRECTORIES], *files[:_MOST_FILES]]
    complete = len(files) <= _MOST_FILES and len(largest) <= _MOST_DIRECTORIES
    sizes: dict[str, int] = {}
    for size, path in rows:
        shown = json_text(mask(path))
        sizes[shown] = sizes.get(shown, 0) + size
    return Paths(sizes, complete)
