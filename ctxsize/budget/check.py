"""The public API of ``ctxsize check``: measure targets, hold them against their limits, say what is over.

Limits of the context and of files in it are static: they take a walk and no engine. An image is built only
when a limit asks for it, once, unless a limit on savings or build time asks for more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize import __version__
from ctxsize.budget.baseline import Baseline, load_baseline, save_baseline
from ctxsize.budget.config import Config, Target, load_config
from ctxsize.budget.options import CheckOptions, Question, put_together
from ctxsize.budget.targets import TargetChecker
from ctxsize.budget.types import CheckReport, CheckTotals, TargetReport
from ctxsize.errors import CtxsizeError, UsageError
from ctxsize.files.own import keep_out_of
from ctxsize.image.types import Layer
from ctxsize.masking import mask_error
from ctxsize.progress import Progress, Silent
from ctxsize.project import open_context
from ctxsize.warning import Warning

if TYPE_CHECKING:
    from ctxsize.budget.many.check import TogetherChecker
    from ctxsize.engine.connect import Engine

__all__ = ["CheckOptions", "check"]


def check(
    *paths: str | Path,
    targets: Iterable[Target] | None = None,
    options: CheckOptions | None = None,
    notes: Iterable[Warning] = (),
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    on_result: Callable[[CheckReport], object] = lambda report: None,
) -> CheckReport:
    """Hold the projects at ``paths`` (default: the current directory) against the limits of their
    configuration, of the environment and of ``options``.

    ``targets`` are checked, too, and instead of the current directory (``--compose`` names some). ``notes``
    are put in front of the report's warnings. What is wrong with a target
    is in its report; ConfigError and UsageError are raised for what is wrong with the question.

    ``on_result`` is called with the report as soon as it is complete, before what the last build made on the
    engine is removed. What is returned afterwards also says (``warnings``) what could not be removed.
    """
    targets = None if targets is None else tuple(targets)
    try:
        return _check(paths, targets, options or CheckOptions(), notes, environ, progress, engine, on_result)
    except CtxsizeError as error:
        for mask in {target.mask for target in targets or () if target.mask is not None}:
            mask_error(error, mask)
        raise


def _check(
    paths: Sequence[str | Path],
    targets: Sequence[Target] | None,
    options: CheckOptions,
    notes: Iterable[Warning],
    environ: Mapping[str, str] | None,
    progress: Progress | None,
    engine: Engine | None,
    on_result: Callable[[CheckReport], object],
) -> CheckReport:
    environ = os.environ if environ is None else environ
    configs = [_load(path) for path in paths or ((".",) if targets is None else ())]
    notes = tuple(notes)
    question = put_together(configs, targets or (), options, environ, notes)
    baseline = load_baseline(question.baseline) if question.baseline else None
    for target in question.targets:
        keep_out_of(Path(target.path))
    with _checker(question, options, baseline, progress or Silent(), engine) as checker:
        results = checker.all(question.targets)
        left = tuple(checker.left)
        report = _report(results, (*notes, *_shadowed(configs)), left, options)
        on_result(report)
    first, *others = report.targets
    first = replace(first, warnings=(*first.warnings, *checker.left[len(left) :]))
    return replace(report, targets=(first, *others))


def _checker(
    question: Question,
    options: CheckOptions,
    baseline: Baseline | None,
    progress: Progress,
    engine: Engine | None,
) -> TargetChecker | TogetherChecker:
    """What measures the targets: one after the other, or several at the same time."""
    if options.jobs == 1 or len(question.targets) == 1:
        return TargetChecker(options, baseline, question.alone, progress, engine)
    if engine is not None:
        raise UsageError("jobs connect to the engine themselves", hint="leave out engine, or jobs")
    from ctxsize.budget.many.check import TogetherChecker  # most checks have one target

    return TogetherChecker(options, baseline, question.alone, progress)


def _report(
    results: Sequence[tuple[TargetReport, bool]],
    notes: Iterable[Warning],
    left: Iterable[Warning],
    options: CheckOptions,
) -> CheckReport:
    """What is found of all targets; the baseline is saved. ``notes`` come before the first one's warnings,
    and what is ``left`` on the engine after them."""
    created = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    reports = [report for report, _ in results]
    reports[0] = replace(reports[0], warnings=(*notes, *reports[0].warnings, *left))
    if options.save_baseline:
        if all(complete for _, complete in results):
            save_baseline(options.save_baseline, {each.name: each.sizes for each in reports}, created)
        else:
            note = Warning("no-baseline-saved", "not everything was measured, so no baseline was written")
            reports[0] = replace(reports[0], warnings=(*reports[0].warnings, note))
    return CheckReport(
        version=__version__,
        created=created,
        targets=tuple(reports),
        totals=_totals(reports),
        exit_code=max(report.exit_code for report in reports),
    )


def _shadowed(configs: Iterable[Config]) -> list[Warning]:
    return [
        Warning("config-shadowed", f"{each.shadowed} has limits, too, which do not apply")
        for each in configs
        if each.shadowed
    ]


def _load(path: str | Path) -> Config:
    open_context(path)
    return load_config(path)


def _totals(reports: Sequence[TargetReport]) -> CheckTotals:
    """All targets together. A layer is known by its content, or by what it is made from, so that one which
    several images have, such as those of a base image or of a common stage, counts once."""
    sizes = [report.sizes for report in reports]
    layers: list[Layer] = []
    known: set[str] = set()
    for layer in (layer for each in sizes for layer in each.layers):
        if known.isdisjoint({layer.diff_id, layer.recipe} - {""}):
            layers.append(layer)
        known.update((layer.diff_id, layer.recipe))
    with_images = all(each.image_bytes is not None for each in sizes)
    return CheckTotals(
        context_bytes=_sum([each.context_bytes for each in sizes]),
        context_files=_sum([each.context_files for each in sizes]),
        image_bytes=sum(layer.bytes for layer in layers) if with_images else None,
        pull_bytes=_sum([layer.pull_bytes for layer in layers]) if with_images else None,
    )


def _sum(values: Sequence[int | None]) -> int | None:
    there = [value for value in values if value is not None]
    return sum(there) if len(there) == len(values) else None
