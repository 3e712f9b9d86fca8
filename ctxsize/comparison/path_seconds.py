"""The build time of each ignored root: its share of the difference, or measured with dedicated builds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.loads import build_loads
from ctxsize.comparison.seconds import DividedSeconds, Loads, Seconds, divide, phase_costs
from ctxsize.context.errors import ContextError
from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.variant import Variant
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.measure.bench import Bench
from ctxsize.measure.builds import Builds, build_restored
from ctxsize.measure.calibration import calibrate, probe_files
from ctxsize.measure.figures import WITH, WITHOUT, Cost
from ctxsize.measure.subject import Subject
from ctxsize.measure.timing import MIN_RUNS, seconds_saved
from ctxsize.survey.listings import ignored
from ctxsize.warning import Warning

_MORE_TIME = "a larger --max-time gives more"


def divide_seconds(
    bench: Bench, builds: Mapping[str, Builds], savings: ImageSavings | None, *, exact: int
) -> tuple[DividedSeconds | None, list[Warning]]:
    """The difference of the build times divided over the ignored roots, and what to know about it.

    None, with the reason in the warnings, when there is nothing that could be divided. The ``exact``
    roots with the largest shares are measured by builds in which only that root is not ignored.
    """
    with_, without = builds[WITH], builds[WITHOUT]
    if not with_.runs or not without.runs:
        return None, _not_divided("only one variant was built", exact)
    if min(len(with_.runs), len(without.runs)) < MIN_RUNS:
        return None, _not_divided(f"fewer than {MIN_RUNS} timed builds of each variant", exact)
    saved = seconds_saved(with_.times, without.times)
    if not saved.significant and not exact:
        return None, _not_divided("the build times do not differ measurably", exact)
    loads = build_loads(
        bench.subject.plan.resolved,
        bench.subject.found.roots,
        lambda: _ignored_files(bench.subject),
        savings,
        whole_context=bench.subject.choice.name != "buildkit",
    )
    longest = max(*with_.times, *without.times)
    several = any(len(by_root) > 1 for by_root in loads.values())
    if several and not bench.limit.allows(longest):
        return None, _not_divided("the time limit left no time to calibrate it", exact)
    try:
        costs = _costs(bench, builds, loads, saved.median) if several else {}
    except (BuildFailed, ContextError, EngineError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return None, _not_divided(f"the builds that calibrate it failed: {reason}", exact)
    divided = divide(with_.runs, without.runs, loads, costs)
    largest = sorted(divided.roots, key=lambda root: -divided.roots[root].median)[:exact]
    if not largest:
        return divided, []
    if not bench.limit.allows((1 + len(largest)) * longest):
        return divided, [Warning("max-time", f"the time limit left no time for --exact: {_MORE_TIME}")]
    measured, warnings = _measure_roots(bench, largest, len(with_.runs))
    return divide(with_.runs, without.runs, loads, costs, measured), warnings


def _not_divided(reason: str, exact: int) -> list[Warning]:
    warnings = [Warning("path-seconds", f"{reason}: `seconds` of paths and rules are null")]
    if exact:
        warnings.append(Warning("not-exact", f"--exact measured nothing: {reason}"))
    return warnings


def _costs(bench: Bench, builds: Mapping[str, Builds], loads: Loads, difference: float) -> dict[str, Cost]:
    entries = max(sum(load.entries for load in by_root.values()) for by_root in loads.values())
    per_entry = calibrate(bench, probe_files(difference, entries))
    # A RUN step that writes files again does what a COPY does.
    per_entry["other"] = per_entry["copy"]
    return phase_costs(builds[WITH].runs, builds[WITHOUT].runs, loads, per_entry)


def _ignored_files(subject: Subject) -> Iterator[tuple[str, int, str]]:
    """Every ignored file: path, bytes, ignored root."""
    roots = IgnoredRoots(root.path for root in subject.found.roots)
    for part in subject.parts:
        tree = part.tree
        if tree.rules is None:
            continue
        for entry in ignored(tree.context, tree.rules, hidden=tree.ignore_files):
            path = part.path(entry.path)
            root = roots.of(path)
            if root is not None:
                yield path, entry.bytes, root


def _measure_roots(bench: Bench, roots: Sequence[str], runs: int) -> tuple[dict[str, Seconds], list[Warning]]:
    """The seconds of each of ``roots``: builds that ignore all but it, against builds that ignore all."""
    variants, warnings = restored_variants(bench.subject, roots)
    if len(variants) == 1:
        return {}, warnings
    builds = build_restored(bench, variants, runs=runs)
    base = builds.pop(WITH)
    if base.cut_short:
        left = "1 build" if len(base.runs) == 1 else f"{len(base.runs)} builds"
        warnings.append(Warning("max-time", f"the time limit left {left} each for --exact: {_MORE_TIME}"))
    measured = {}
    for root, each in builds.items():
        if each.failure is not None or not base.runs:
            reason = each.failure or base.failure
            warnings.append(Warning("not-exact", f"its seconds are an estimate: {reason}", where=root))
            continue
        saved = seconds_saved(base.times, each.times)
        measured[root] = Seconds(saved.median, saved.low, saved.high, measured=True)
    return measured, warnings


def restored_variants(subject: Subject, roots: Iterable[str]) -> tuple[dict[str, Variant], list[Warning]]:
    """The variant ``with`` and, for each root it can be made for, the one that ignores everything but it."""
    variants = {WITH: subject.variant(WITH)}
    warnings = []
    for root in roots:
        name, path = subject.project.split(root)
        tree = subject.project.tree(name)
        try:
            assert tree.ignore is not None and tree.ignore_path is not None
            places = (tree.context,) if name else (tree.context, tree.dockerfile_path.parent)
            if tree.ignore_path.parent not in places:
                raise ValueError("the ignore file lies in another directory than where it is looked for")
            own = variants[WITH] if name is None else variants[WITH].named[name]
            restored = own.restoring(path, tree.ignore_path, tree.ignore.data)
            if name is not None:
                named = {**variants[WITH].named, name: restored}
                restored = replace(variants[WITH], name=f"{WITH} {root}", named=named)
            variants[root] = restored
        except ValueError as error:
            warnings.append(Warning("not-exact", f"its seconds are an estimate: {error}", where=root))
    return variants, warnings
