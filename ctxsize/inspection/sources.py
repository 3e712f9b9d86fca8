"""Where an image comes from: whatever yields its layers and its history.

Each source is a context manager that yields an OpenedImage; what it needs (an engine, a file, a build) it
opens and closes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from ctxsize.dockerfile.mapping import ImageMap
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import Dockerfile
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.builders.masked import masker_of
from ctxsize.engine.connect import Engine, connect
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.images import layers_of, read_images, read_one
from ctxsize.engine.platforms import find_image
from ctxsize.errors import BuildFailed, UsageError
from ctxsize.image.inventory import Inventory
from ctxsize.image.reader import LayerReader
from ctxsize.image.types import Image
from ctxsize.inspection.steps import lines_of
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.figures import WITH, EngineFigures
from ctxsize.measure.history import is_ours
from ctxsize.measure.images import without_markers
from ctxsize.measure.subject import Subject
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
    of the base image, None when not known. For an image built from a Dockerfile, ``lines`` has the line of
    each entry of its history, by its index there, ``image_map`` is the way back to the context and
    ``build`` what was built.
    """

    name: str
    source: str
    image: Image
    inventory: Inventory | None
    platform: str | None = None
    base: int | None = None
    base_source: str | None = None
    dockerfile: Dockerfile | None = None
    lines: Mapping[int, int] = field(default_factory=dict)
    image_map: ImageMap | None = None
    build: BuildResult | None = None
    engine: EngineFigures | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()


def engine_image(
    name: str, *, engine: Engine | None = None, platform: str | None = None, base: str | None = None
) -> Source:
    """The image ``name`` that the engine has. ``base`` names another one of it that this one starts from.
    Opening it raises EngineError, and UsageError when there is none of that name or it is for another
    platform than ``platform``."""

    @contextmanager
    def opened(progress: Progress) -> Iterator[OpenedImage]:
        found = engine or connect()
        meant = find_image(found, name, platform)
        below = None if base is None else layers_of(found.api, find_image(found, base, meant.platform))
        progress.phase("read the image")
        with read_one(found.api, meant, Inventory, progress) as inventory:
            image = inventory.images[meant.id]
            if below is not None and below != tuple(layer.diff_id for layer in image.layers[: len(below)]):
                raise UsageError(f"{name} does not start from it", where=base)
            yield OpenedImage(
                name,
                "engine",
                image,
                inventory,
                meant.platform,
                base=None if below is None else len(below),
                base_source=base,
                engine=engine_figures(found),
            )

    return opened


@contextmanager
def built(subject: Subject, run: Run, progress: Progress) -> Iterator[OpenedImage]:
    """The image of ``subject``, built once in ``run``, which removes it. Raises BuildFailed, which names the
    rule that ignores what the Dockerfile copies, and EngineError."""
    bench = Bench(subject, run, subject.builder(run), TimeLimit(None), progress)
    try:
        result = bench.build(subject.variant(WITH), "build")
    except BuildFailed as failure:
        subject.blame_rule(failure)
        raise
    progress.phase("read the image")
    with read_images(bench.builder.images, [result.image_id], Inventory, progress) as inventory:
        yield opened_build(subject, result, inventory)


def opened_build(subject: Subject, result: BuildResult, inventory: LayerReader) -> OpenedImage:
    """A build of ``subject`` whose image ``inventory`` has, or any other reader."""
    read = inventory.images[result.image_id]
    base = _base_layers(read)
    image = without_markers(read)
    mask = masker_of(subject.options, subject.plan.resolved)
    image = replace(
        image, history=tuple(replace(each, created_by=mask(each.created_by)) for each in image.history)
    )
    names = ContextDirectory(subject.project.context)
    return OpenedImage(
        name=subject.project.name,
        source="built",
        image=image,
        inventory=inventory if isinstance(inventory, Inventory) else None,
        platform=image.platform,
        base=base,
        base_source=None if base is None else "FROM",
        dockerfile=subject.plan.resolved.dockerfile,
        lines=lines_of(image, subject.plan.resolved),
        image_map=ImageMap(subject.plan.resolved, names),
        build=result,
        engine=subject.engine_figures,
    )


def engine_figures(engine: Engine) -> EngineFigures:
    """What a result says of an engine that built nothing."""
    info = engine.info
    return EngineFigures(info.version, info.api, "none", info.storage, info.remote, info.podman)


def _base_layers(image: Image) -> int | None:
    """How many layers lie below what the run's first mark is on: those of the base image."""
    layers = 0
    for entry in image.history:
        if is_ours(entry):
            return layers
        layers += entry.layer is not None
    return None
