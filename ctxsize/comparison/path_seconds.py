"""The build time of each ignored root: its share of the difference, or builds of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.loads import build_loads
from ctxsize.comparison.seconds import DividedSeconds, Load, Seconds, divide
from ctxsize.context.errors import ContextError
from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import Builder, Part
from ctxsize.engine.footprint.run import Run
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.measure.builds import WITH, WITHOUT, Measured, TimeLimit, build_restored
from ctxsize.measure.calibration import ProbeSize, calibrate
from ctxsize.measure.figures import Cost
from ctxsize.measure.subject import Subject
from ctxsize.measure.timing import MIN_RUNS, seconds_saved
from ctxsize.progress import Progress
from ctxsize.survey.listings import ignored
from ctxsize.warning import Warning

_MORE_TIME = "a larger --max-time gives more"


def divide_seconds(
    subject: Subject,
    run: Run,
    builder: Builder,
    measured: Mapping[str, Measured],
    savings: ImageSavings | None,
    *,
    exact: int,
    limit: TimeLimit,
    progress: Progress,
) -> tuple[DividedSeconds | None, list[Warning]]:
    """The difference of the build times divided over the ignored roots, and what to know about it.

    None, with the reason in the warnings, when there is nothing that could be divided. The ``exact``
    roots with the largest shares are measured by builds in which only that root is not ignored.
    """
    with_runs, without_runs = measured[WITH].runs, measured[WITHOUT].runs
    if not with_runs or not without_runs:
        return None, _not_divided("only one variant was built", exact)
    if min(len(with_runs), len(without_runs)) < MIN_RUNS:
        return None, _not_divided(f"fewer than {MIN_RUNS} timed builds of each variant", exact)
    saved = seconds_saved(
        [result.seconds for result in with_runs], [result.seconds for result in without_runs]
    )
    if not saved.significant and not exact:
        return None, _not_divided("the build times do not differ measurably", exact)
    loads = build_loads(
        subject.plan.resolved,
        subject.found.roots,
        lambda: _ignored_files(subject),
        savings,
        whole_context=subject.choice.name != "buildkit",
    )
    longest = max(result.seconds for result in (*with_runs, *without_runs))
    if _several(loads) and not limit.allows(longest):
        return None, _not_divided("the time limit left no time to calibrate it", exact)
    try:
        costs = _costs(subject, run, loads, saved.median, progress)
    except (BuildFailed, ContextError, EngineError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return None, _not_divided(f"the builds that calibrate it failed: {reason}", exact)
    divided = divide(with_runs, without_runs, loads, costs)
    largest = sorted(divided.roots, key=lambda root: -divided.roots[root].median)[:exact]
    if not largest:
        return divided, []
    if not limit.allows((1 + len(largest)) * longest):
        return divided, [Warning("max-time", f"the time limit left no time for --exact: {_MORE_TIME}")]
    figures, warnings = measure_roots(
        subject, run, builder, largest, len(with_runs), limit=limit, progress=progress
    )
    return divide(with_runs, without_runs, loads, costs, figures), warnings


def _not_divided(reason: str, exact: int) -> list[Warning]:
    warnings = [Warning("path-seconds", f"{reason}: `seconds` of paths and rules are null")]
    if exact:
        warnings.append(Warning("not-exact", f"--exact measured nothing: {reason}"))
    return warnings


def _costs(
    subject: Subject,
    run: Run,
    loads: Mapping[Part, Mapping[str, Load]],
    difference: float,
    progress: Progress,
) -> dict[str, Cost]:
    if not _several(loads):
        return {}  # there is nothing to divide
    costs = calibrate(subject, run, ProbeSize.for_difference(difference), progress)
    # A RUN step that writes files again does what a COPY does.
    return {**costs, "other": costs["copy"]}


def _several(loads: Mapping[Part, Mapping[str, Load]]) -> bool:
    """Whether any part has to be divided between roots."""
    return any(len(by_root) > 1 for by_root in loads.values())


def _ignored_files(subject: Subject) -> Iterator[tuple[str, int, str]]:
    """Every ignored file: path, bytes, ignored root."""
    project = subject.project
    assert project.rules is not None
    roots = IgnoredRoots(root.path for root in subject.found.roots)
    for entry in ignored(project.context, project.rules, hidden=project.ignore_files):
        root = roots.of(entry.path)
        if root is not None:
            yield entry.path, entry.bytes, root


def measure_roots(
    subject: Subject,
    run: Run,
    builder: Builder,
    roots: Sequence[str],
    runs: int,
    *,
    limit: TimeLimit,
    progress: Progress,
) -> tuple[dict[str, Seconds], list[Warning]]:
    """The seconds of each of ``roots`` by builds that ignore all but it, against builds that ignore all."""
    variants, warnings = restored_variants(subject, roots)
    if len(variants) == 1:
        return {}, warnings
    measured = build_restored(
        variants, builder, runs=runs, progress=progress, remove_image=run.remove_image, limit=limit
    )
    base = [result.seconds for result in measured[WITH].runs]
    if measured[WITH].cut_short:
        builds = "1 build" if len(base) == 1 else f"{len(base)} builds"
        warnings.append(Warning("max-time", f"the time limit left {builds} each for --exact: {_MORE_TIME}"))
    figures = {}
    for root in variants:
        if root == WITH:
            continue
        if measured[root].failure is not None or not base:
            reason = measured[root].failure or measured[WITH].failure
            warnings.append(Warning("not-exact", f"its seconds are an estimate: {reason}", where=root))
            continue
        saved = seconds_saved(base, [result.seconds for result in measured[root].runs])
        figures[root] = Seconds(saved.median, saved.low, saved.high, measured=True)
    return figures, warnings


def restored_variants(subject: Subject, roots: Iterable[str]) -> tuple[dict[str, Variant], list[Warning]]:
    """The variant ``with`` and, for each root it can be made for, the one that ignores everything but it."""
    project = subject.project
    assert project.ignore_path is not None
    variants = {WITH: subject.variant(WITH)}
    warnings = []
    for root in roots:
        try:
            if project.ignore_path.parent not in (project.context, project.dockerfile_path.parent):
                raise ValueError("the ignore file lies in another directory than where it is looked for")
            variants[root] = variants[WITH].restoring(
                root, project.ignore_path, project.ignore_path.read_bytes()
            )
        except (ValueError, OSError) as error:
            warnings.append(Warning("not-exact", f"its seconds are an estimate: {error}", where=root))
    return variants, warnings
