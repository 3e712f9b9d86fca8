"""``image A B``: the whole of it, from two names to the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize.inspection.difference.differ import differ
from ctxsize.inspection.difference.types import ImageDifference
from ctxsize.inspection.image import is_project
from ctxsize.inspection.sources import OpenedImage, Source, built, engine_image
from ctxsize.inspection.stored import stored_source
from ctxsize.inspection.types import View
from ctxsize.progress import Progress, Silent
from ctxsize.warning import Warning

if TYPE_CHECKING:
    from ctxsize.engine.connect import Engine
    from ctxsize.engine.options import BuildOptions


def image_difference(
    a: str | Path,
    b: str | Path,
    *,
    view: View = "step",
    depth: int = 2,
    most: int = 100,
    files: bool = False,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    on_result: Callable[[ImageDifference], object] = lambda result: None,
) -> ImageDifference:
    """What the image ``b`` has more or less than ``a``, each of them named as for ``image``.

    The rows are by ``view``: ``dir`` (as deep as ``depth``), ``ext`` or ``file``, at most ``most`` of them
    (0: all); with ``step`` they are directories, where files are known without reading a registry's layers,
    which any other view and ``files`` do. ``dockerfile``, ``builder`` and ``options`` are for what is built.
    Nothing is left on the engine. ``on_result`` is called with the difference before what was made there for
    ``b`` is removed; what is returned also says (``warnings``) what could not be removed.
    Raises CtxsizeError.
    """
    left: list[Warning] = []
    platform = None if options is None else options.platform
    files = files or view != "step"

    def source_of(name: str | Path) -> Source:
        if is_project(name):
            return _project(name, dockerfile, builder, options, engine, left)
        found = stored_source(str(name), platform=platform, files=files)
        return found or engine_image(str(name), engine=engine, platform=platform)

    def with_left(result: ImageDifference) -> ImageDifference:
        return replace(result, warnings=(*result.warnings, *left))

    result = differ(
        source_of(a),
        source_of(b),
        progress or Silent(),
        view="dir" if view == "step" else view,
        depth=depth,
        most=most,
        on_result=lambda result: on_result(with_left(result)),
    )
    return with_left(result)


def _project(
    path: str | Path,
    dockerfile: str | Path | None,
    builder: str,
    options: BuildOptions | None,
    engine: Engine | None,
    left: list[Warning],
) -> Source:
    """The image of the project at ``path``, built when it is opened; ``left`` gets what could not be removed
    from the engine."""

    @contextmanager
    def opened(progress: Progress) -> Iterator[OpenedImage]:
        from ctxsize.engine.footprint.run import Run
        from ctxsize.engine.options import BuildOptions
        from ctxsize.measure.subject import prepare

        subject = prepare(
            path,
            dockerfile=dockerfile,
            builder=builder,
            options=options or BuildOptions(),
            progress=progress,
            engine=engine,
        )
        with Run(subject.engine, progress) as run, built(subject, run, progress) as found:
            yield replace(found, warnings=(*subject.warnings, *found.warnings))
        left.extend(run.left)

    return opened
