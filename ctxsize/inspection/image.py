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
from ctxsize.inspection.stored import stored_source
from ctxsize.inspection.tally import Asked
from ctxsize.inspection.types import ImageReport, View
from ctxsize.progress import Progress, Silent
from ctxsize.warning import Warning

if TYPE_CHECKING:
    from ctxsize.engine.connect import Engine
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions

_NO_BASE = Warning(
    "base-unknown",
    "which layers are the base image's is not known: name it with --base, or a project's directory",
)


def image(
    name: str | Path = ".",
    *,
    view: View = "step",
    depth: int = 2,
    largest: int = 0,
    layer: int | None = None,
    hide_base: bool = False,
    base: str | None = None,
    files: bool = False,
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
    """Look at an image: the one that the engine has under ``name``, that of the project in the directory
    ``name``, which is built once, or the one in a saved archive or OCI layout (a path; ``-`` is standard
    input), in a registry (``registry://HOST/NAME:TAG``) or in the JSON of a comparison.

    Of an image in a registry only manifest and configuration are fetched, unless ``files`` or what else is
    asked for takes the layers.

    ``view`` says what the bytes are listed by: ``step``, ``dir`` and ``context`` (as deep as ``depth``),
    ``ext``, ``file``. ``largest`` files are listed beside that, ``layer`` (from 1) is the only one whose
    files are, and with ``hide_base`` those of the base image are not. ``base`` names the base image of one
    that the engine has; a project's is known.

    For a project the report says what would make the image smaller, and has the Dockerfile with that as a
    patch. ``prove`` builds it and says what the image loses and whether it is otherwise the same; ``verify``
    is run in it. ``write`` replaces the project's Dockerfile, when the proof holds where one is asked for.
    Nothing is left on the engine. ``on_result`` is called with the report before what was made there is
    removed; what is returned also says (``warnings``) what could not be removed. An interruption and trouble
    with the engine while fixes are proven are raised after that. Raises CtxsizeError.
    """
    shown = progress or Silent()
    asked = Asked(view, depth, largest, None if layer is None else layer - 1)
    if base is not None and is_project(name):
        raise UsageError("the base image of a project is known", where=str(name), hint="leave --base out")
    if is_project(name):
        remedy = Remedy(prove or verify is not None, verify, write)
        return _of_project(
            name, asked, hide_base, dockerfile, builder, options, engine, remedy, shown, on_result
        )
    if prove or write or verify is not None:
        raise UsageError("only a project's Dockerfile can be fixed", where=str(name), hint="name a directory")
    platform = None if options is None else options.platform
    files = files or view != "step" or largest > 0 or layer is not None
    source = stored_source(str(name), platform=platform, files=files)
    if source is None:
        source = engine_image(str(name), engine=engine, platform=platform, base=base)
    elif base is not None:
        raise UsageError("--base is for an image that the engine has", where=str(name))
    report = of_source(source, asked, hide_base, shown)
    on_result(report)
    return report


def is_project(name: str | Path) -> bool:
    """Whether ``name`` means a directory and no image: it is one, and no layout of an image."""
    return Path(name).is_dir() and not (Path(name) / "index.json").is_file()


def of_source(source: Source, asked: Asked, hide_base: bool, progress: Progress) -> ImageReport:
    """The report on the image of a source."""
    with source(progress) as opened:
        report = inspect(opened, replace(asked, hidden=(opened.base or 0) if hide_base else 0))
    if hide_base and opened.base is None:
        report = replace(report, warnings=(*report.warnings, _NO_BASE))
    return report


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
            report, failure = remedied(report, subject, opened, remedy, run=run, progress=progress)
            run.winding_down = failure is not None
        report = replace(report, warnings=(*subject.warnings, *report.warnings))
        on_result(report)
        if failure is not None:
            raise failure
    return replace(report, warnings=(*report.warnings, *run.left))
