"""How large one image is: built for this, there already, or saved in a file.

This builds no more than it is asked for; ``compare`` measures what an ignore file saves.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize.dockerfile.platforms import asked_platform
from ctxsize.errors import BuildFailed
from ctxsize.image.types import Image, Layer
from ctxsize.measure.target import (
    DEPTH,
    MOST_DIRECTORIES,
    MOST_FILES,
    LargestPaths,
    MeasuredTarget,
    largest_paths,
)

if TYPE_CHECKING:
    from ctxsize.engine.builders.interface import BuildResult
    from ctxsize.engine.connect import Engine
    from ctxsize.engine.footprint.run import Run
    from ctxsize.image.reader import LayerReader
    from ctxsize.measure.subject import Subject
    from ctxsize.progress import Progress


#: Adds to what was measured of an image what a reader of its layers has; a build comes with its subject.
LookInside = Callable[
    ["MeasuredTarget", "LayerReader", Image, "tuple[Subject, BuildResult] | None"], "MeasuredTarget"
]


def built(
    subject: Subject,
    run: Run,
    *,
    without: bool,
    repeat: int,
    paths: bool,
    progress: Progress,
    into: type[LayerReader],
    look: LookInside,
) -> MeasuredTarget:
    """Build the subject once with its ignore file, and read the image: its sizes and, for ``paths``, its
    largest ones. It is read ``into`` a reader of this kind, for ``look``.

    ``without`` also builds it once without the ignore file. ``repeat`` builds with the ignore file are
    timed, under the conditions of ``compare``: after a first one that fills the cache. What is left on the
    engine, ``run`` removes at its end. Raises BuildFailed, which names the rule that ignores what the
    Dockerfile copies, and EngineError.
    """
    from ctxsize.engine.builders.masked import masker_of
    from ctxsize.engine.images import read_images
    from ctxsize.measure.bench import Bench, TimeLimit
    from ctxsize.measure.figures import WITH, WITHOUT

    bench = Bench(subject, run, subject.builder(run), TimeLimit(None), progress)
    runs = []
    try:
        first = bench.build(subject.variant(WITH), "build")
        ids = [first.image_id]
        run.images.hold(ids[0])
        for number in range(repeat):
            result = bench.build(subject.variant(WITH), f"build {number + 1} of {repeat}")
            runs.append(result.seconds)
            run.images.remove(result.image_id)
        if without:
            ids.append(bench.build(subject.variant(WITHOUT), "build without the ignore file").image_id)
    except BuildFailed as failure:
        subject.blame_rule(failure)
        raise
    progress.phase("read the image")
    with read_images(bench.builder.images, list(dict.fromkeys(ids)), into, progress) as reader:
        images = [reader.images[image_id] for image_id in ids]
        mask = masker_of(subject.options, subject.plan.resolved)
        measured = _measured(reader, images[0], paths, mask)
        measured = replace(measured, layers=tuple(_with_recipes(images[0], subject)))
        measured = look(measured, reader, images[0], (subject, first))
        bare = _measured(reader, images[1]) if without else None
    asked = subject.options.platform is not None
    return replace(measured, runs=tuple(runs), without=bare, platform=subject.platform, platform_asked=asked)


def named(
    engine: Engine,
    name: str,
    platform: str | None = None,
    *,
    paths: bool,
    into: type[LayerReader],
    look: LookInside,
) -> MeasuredTarget:
    """Read an image that the engine has, for a platform as for ``find_image``. Raises UsageError when it has
    none of that name, EngineError."""
    from ctxsize.engine.images import read_one
    from ctxsize.engine.platforms import find_image

    found = find_image(engine, name, platform)
    with read_one(engine.api, found, into) as reader:
        image = reader.images[found.id]
        asked = asked_platform(platform, podman=engine.info.podman) is not None
        measured = _measured(reader, image, paths)
        measured = replace(measured, platform=found.platform, platform_asked=asked)
        return look(measured, reader, image, None)


def archived(
    path: str,
    name: str | None = None,
    platform: str | None = None,
    *,
    paths: bool,
    into: type[LayerReader],
    look: LookInside,
) -> MeasuredTarget:
    """Read an image from what ``docker save`` wrote, or from an OCI layout, without an engine. ``name`` is
    its tag, needed when there are several, and ``platform`` as for ``read_archive``. Raises UsageError."""
    from ctxsize.image.archive import read_archive

    with read_archive(Path(path), name, into, platform) as reader:
        (image,) = reader.images.values()
        asked = asked_platform(platform) is not None
        measured = _measured(reader, image, paths)
        measured = replace(measured, platform=image.platform, platform_asked=asked)
        return look(measured, reader, image, None)


def _with_recipes(image: Image, subject: Subject) -> Iterator[Layer]:
    """The layers of ``image``, each with what it was made from: the project, the options that change steps,
    and the steps so far. Builds of several targets share those that they have in common."""
    from ctxsize.engine.marks import RUN_LABEL, is_marker

    project, options = subject.project, subject.options
    common = (project.context, project.dockerfile_path, project.dialect, options.platform)
    recipe = hashlib.sha256(repr((*map(str, common), sorted(options.build_args.items()))).encode())
    ours = False
    for entry in image.history:
        marks = is_marker(entry.created_by) or RUN_LABEL in entry.created_by
        ours = ours or marks
        if marks or (entry.layer is None and not ours):
            continue
        # What is below the first mark is the base image's: its digests are what they are.
        said = entry.created_by if ours or entry.layer is None else entry.layer.diff_id
        recipe.update(said.encode(errors="surrogateescape") + b"\0")
        if entry.layer is not None:
            yield replace(entry.layer, recipe=recipe.hexdigest() if ours else "")


def _measured(
    reader: LayerReader, image: Image, paths: bool = False, mask: Callable[[str], str] = str
) -> MeasuredTarget:
    from ctxsize.measure.images import without_markers

    image = without_markers(image)
    return MeasuredTarget(
        image_bytes=image.bytes,
        pull_bytes=image.pull_bytes,
        image_paths=_paths(reader, image, mask) if paths else LargestPaths(),
        layers=image.layers,
    )


def _paths(reader: LayerReader, image: Image, mask: Callable[[str], str]) -> LargestPaths:
    """The largest directories and files of all layers; what several layers have counts in each. ``mask``
    hides values of build arguments in them, such as in ``COPY . /srv/$TOKEN``."""
    directories: dict[str, int] = {}

    def listing() -> Iterator[tuple[int, str]]:
        for path, size in reader.listing(image):
            above = ""
            for part in path.split("/")[:-1][:DEPTH]:
                above += f"/{part}"
                directories[above] = directories.get(above, 0) + size
            yield size, f"/{path}"

    files = heapq.nlargest(MOST_FILES + 1, listing())
    largest = heapq.nlargest(MOST_DIRECTORIES + 1, ((size, path) for path, size in directories.items()))
    return largest_paths(
        [(path, size) for size, path in largest], [(path, size) for size, path in files], mask
    )
