"""The pipeline of a comparison: prepare, build, read, attribute, verify, rebuild, assemble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ctxsize.comparison.assemble import assemble
from ctxsize.comparison.attribution import attribute_images
from ctxsize.comparison.found import Found
from ctxsize.comparison.path_seconds import divide_seconds
from ctxsize.comparison.types import Measurement
from ctxsize.engine.connect import Engine
from ctxsize.engine.containers import VerifyCommand
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.builds import Builds, build_variants
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.images import keep_images, read_images
from ctxsize.measure.subject import Subject, prepare
from ctxsize.measure.verify import verify_images
from ctxsize.progress import Progress, Silent
from ctxsize.rebuild.cache import measure_changes


def compare(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    repeat: int | None = None,
    exact: int = 0,
    max_time: float | None = None,
    keep: bool = False,
    verify: VerifyCommand | None = None,
    cache_cost: int = 0,
    pull_size: bool = True,
    progress: Progress | None = None,
    engine: Engine | None = None,
    on_result: Callable[[Measurement], object] = lambda result: None,
) -> Measurement:
    """Build the project at ``path`` with and without its ignore file, on a real engine, and compare.

    ``builder`` is ``auto``, ``buildkit`` or ``classic``. Each variant is timed
    ``repeat`` times (None: as often as builds that long allow). The seconds of the ``exact`` ignored roots
    with the largest shares are measured with dedicated builds. ``max_time`` bounds the builds in seconds,
    as far as one build of each variant allows. ``keep`` leaves both images, tagged. ``verify`` has to
    succeed in both images. For the ``cache_cost`` largest ignored roots it is measured what a change costs in
    the next build. Without ``pull_size`` the images are not compressed, and the sizes of pulls are None. The
    project is only read. A variant that does not build, or whose image does not work, is an error in the
    result; all other trouble is raised as a CtxsizeError.

    ``on_result`` is called with the result as soon as it is complete, before what the run made on the engine
    is removed. What is returned afterwards also says (``warnings``) what could not be removed.
    """
    progress, options, limit = progress or Silent(), options or BuildOptions(), TimeLimit(max_time)
    subject = prepare(
        path, dockerfile=dockerfile, builder=builder, options=options, progress=progress, engine=engine
    )
    found = Found()
    if subject.project.ignore is None or _unbuildable(subject, found):
        result = assemble(subject, found)
        on_result(result)
        return result
    with Run(subject.engine, progress) as run:
        with found.reported_all_the_same(run):
            bench = Bench(subject, run, subject.builder(run), limit, progress)
            build_variants(bench, found.builds, repeat=repeat)
            with read_images(bench, found.builds, pull_size=pull_size) as images:
                found.images = images.figures
                found.bytes = attribute_images(subject, images, found.builds)
            found.seconds, found.warnings = divide_seconds(bench, found.builds, found.bytes, exact=exact)
            with found.complete_without():
                found.verified = verify_images(bench, found.builds, verify)
                if cache_cost:
                    found.rebuilds = measure_changes(bench, top=cache_cost, repeat=None, eligible=False)
            if keep:
                found.images = keep_images(bench, found.builds, found.images)
        result = assemble(subject, found)
        on_result(result)
    comparison = result.comparison
    return replace(result, comparison=replace(comparison, warnings=(*comparison.warnings, *run.left)))


def _unbuildable(subject: Subject, found: Found) -> bool:
    """Whether no builder would begin with it; then why is in ``found``."""
    error = subject.unbuildable
    if error is not None:
        found.builds = {name: Builds(failure=error) for name in (WITH, WITHOUT)}
    return error is not None
