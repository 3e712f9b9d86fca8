"""``image``: the whole of it, from a name or a path to the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize.errors import UsageError
from ctxsize.inspection.fixes.remedy import Remedy, remedied
from ctxsize.inspection.inspect import inspect
from ctxsize.inspection.sources import Source, built, engine_image
from ctxsize.inspection.tally import Asked
from ctxsize.inspection.types import ImageReport, View
from ctxsize.progress import Progress, Silent

if TYPE_CHECKING:
    from ctxsize.engine.connect import Engine
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions


def image(
    name: str | Path = ".",
    *,
    view: View = "step",
    depth: int = 2,
    largest: int = 0,
    layer: int | None = None,
    hide_base: bool = False,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    engine: Engine | None = None,
    prove: bool = False,
    verify: VerifyCommand | None = None,
    write: bool = False,
    progress: Progress | None = None,
    on_result: Callable[[ImageReport], object] = lambda report: None,
) -> ImageReport:
    """Look at an image: the one that the engine has under ``name``, or that of the project in the directory
    ``name``, which is built once.

    ``view`` says what the bytes are listed by: ``step``, ``dir`` and ``context`` (as deep as ``depth``),
    ``ext``, ``file``. ``largest`` files are listed beside that, ``layer`` (from 1) is the only one whose
    files are, and with ``hide_base`` those of the base image are not.

    For a project the report says what would make the image smaller, and has the Dockerfile with that as a
    patch. ``prove`` builds it and says what the image loses and whether it is otherwise the same; ``verify``
    is run in it. ``write`` replaces the project's Dockerfile, when the proof holds where one is asked for.
    Nothing is left on the engine. ``on_result`` is called with the report before what was made there is
    removed; what is returned also says (``warnings``) what could not be removed. Raises CtxsizeError.
    """
    shown = progress or Silent()
    asked = Asked(view, depth, largest, None if layer is None else layer - 1)
    if is_project(name):
        remedy = Remedy(prove or verify is not None, verify, write)
        return _of_project(
            name, asked, hide_base, dockerfile, builder, options, engine, remedy, shown, on_result
        )
    if prove or write or verify is not None:
        raise UsageError("only a project's Dockerfile can be fixed", where=str(name), hint="name a directory")
    platform = None if options is None else options.platform
    report = of_source(engine_image(str(name), engine=engine, platform=platform), asked, hide_base, shown)
    on_result(report)
    return report


def is_project(name: str | Path) -> bool:
    """Whether ``name`` means a directory and no image: it is one, and no layout of an image."""
    return Path(name).is_dir() and not (Path(name) / "index.json").is_file()


def of_source(source: Source, asked: Asked, hide_base: bool, progress: Progress) -> ImageReport:
    """The report on the image of a source."""
    with source(progress) as opened:
        return inspect(opened, replace(asked, hidden=(opened.base or 0) if hide_base else 0))


def _of_project(
    path: str | Path,
    asked: Asked,
    hide_base: bool,
    dockerfile: str | Path | None,
    builder: str,
    options: BuildOptions | None,
    engine: Engine | None,
    remedy: Remedy,
    progress: Progress,
    on_result: Callable[[ImageReport], object],
) -> ImageReport:
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
    with Run(subject.engine, progress) as run:
        with built(subject, run, progress) as opened:
            report = inspect(opened, replace(asked, hidden=(opened.base or 0) if hide_base else 0))
            report = remedied(report, subject, opened, remedy, run=run, progress=progress)
        report = replace(report, warnings=(*subject.warnings, *report.warnings))
        on_result(report)
    return replace(report, warnings=(*report.warnings, *run.left))
