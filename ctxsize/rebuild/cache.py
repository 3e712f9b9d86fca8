"""The pipeline of ``ctxsize cache``: prepare, choose changes, rebuild after each, assemble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ctxsize.engine.connect import Engine
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.subject import prepare
from ctxsize.progress import Progress, Silent
from ctxsize.rebuild.assemble import assemble
from ctxsize.rebuild.builds import Rebuilt, rebuild_variant
from ctxsize.rebuild.changes import choose_changes
from ctxsize.rebuild.types import RebuildMeasurement

#: Ignored roots, and instructions that take eligible files, unless the user says otherwise.
DEFAULT_TOP = 5


def cache(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    top: int = DEFAULT_TOP,
    repeat: int | None = None,
    max_time: float | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    on_result: Callable[[RebuildMeasurement], object] = lambda result: None,
) -> RebuildMeasurement:
    """Measure on a real engine what a change to the project at ``path`` costs in its next build.

    The ``top`` largest ignored roots (0: all) are changed, in builds with and without the ignore file, and
    one eligible file for each of the first ``top`` instructions that take any. There are ``repeat`` builds
    after each change (None: as many as builds that long allow). ``max_time`` bounds the whole run in seconds,
    as far as two builds of each variant allow. Changes exist only in what is sent: the project is only read.
    A build that fails is an error in the result; all other trouble is raised as a CtxsizeError. The other
    arguments are those of :func:`ctxsize.api.compare`.
    """
    progress, options, limit = progress or Silent(), options or BuildOptions(), TimeLimit(max_time)
    subject = prepare(
        path, dockerfile=dockerfile, builder=builder, options=options, progress=progress, engine=engine
    )
    with Run(subject.engine, progress) as run:
        bench = Bench(subject, run, subject.builder(run), limit, progress)
        measured = measure_changes(bench, top=top, repeat=repeat, eligible=True)
        on_result(measured)
    cost = replace(measured.cost, warnings=(*measured.cost.warnings, *run.left))
    return replace(measured, cost=cost)


def measure_changes(bench: Bench, *, top: int, repeat: int | None, eligible: bool) -> RebuildMeasurement:
    """What ``cache`` measures, within a run that is already there; ``eligible`` says whether changes to
    eligible files are measured as well. Raises EngineError."""
    chosen = choose_changes(bench.subject, top, eligible=eligible)
    rebuilt: dict[str, Rebuilt] = {}
    for name, edits in chosen.edits.items():
        try:
            rebuilt[name] = rebuild_variant(bench, bench.subject.variant(name), edits, repeat=repeat)
        except BuildFailed as failure:
            rebuilt[name] = Rebuilt([], [], failure)
        if isinstance(rebuilt[name].lost, EngineError):
            break
    lost = rebuilt[WITH].lost if WITH in rebuilt else None
    if isinstance(lost, BuildFailed) and WITHOUT in rebuilt and rebuilt[WITHOUT].lost is None:
        bench.subject.blame_rule(lost)
    return assemble(bench.subject, chosen, rebuilt)
