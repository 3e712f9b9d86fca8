"""From what was scanned, built and read to the result; nothing here talks to an engine."""

from __future__ import annotations

import datetime
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ctxsize import __version__
from ctxsize.comparison.found import Found
from ctxsize.comparison.ranking import ranked
from ctxsize.comparison.repeated import measured_lines, reuse_warnings, reused_steps
from ctxsize.comparison.seconds import DividedSeconds, Seconds
from ctxsize.comparison.timing_warnings import timing_warnings
from ctxsize.comparison.types import (
    BuildFigures,
    Comparison,
    ContextFigures,
    Measurement,
    PathSaving,
    RuleSaving,
    Saved,
    Unattributed,
    VariantFigures,
)
from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.totals import IgnoredRoot, RuleTotals, ScanResult, Totals
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.errors import Interrupted
from ctxsize.files.sent import SentTree
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.subject import Subject
from ctxsize.measure.timing import median_absolute_deviation, seconds_saved
from ctxsize.measure.verify import verify_warnings
from ctxsize.rebuild.types import RebuildCost
from ctxsize.warning import Warning

#: What the paths of a rule have in common with it.
_SIZES = ("files", "context_bytes", "sent_bytes", "image_bytes", "pull_bytes")
_SECONDS = ("seconds", "seconds_low", "seconds_high")
_UNREAD_NOTE = "it can't be read: its size is not known"
_CHANGED_NOTE = "it changed while it was measured"
_HIDDEN_NOTE = "saves nothing: a project without an ignore file has no such file either"


def assemble(subject: Subject, found: Found) -> Measurement:
    """The one result of what is known of ``subject`` and was ``found``, however far the measurement got."""
    scan = subject.found
    with_ = None if scan.eligible_unread else scan.eligible
    saved = _saved(with_, scan.without, found)
    paths = _paths(scan.roots, found)
    comparison = Comparison(
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        project=subject.project_figures,
        engine=subject.engine_figures,
        variants={
            WITH: _variant(WITH, with_, subject.needed_bytes, found),
            WITHOUT: _variant(WITHOUT, scan.without, subject.needed_bytes_without, found),
        },
        saved=saved,
        paths=paths,
        rules=_rules(scan.rules, paths, divided=found.seconds is not None),
        unattributed=_unattributed(scan, found),
        warnings=(*subject.warnings, *_warnings(subject, found, saved)),
        calibration=found.seconds.costs if found.seconds is not None else {},
        sensitive=subject.sensitive,
    )
    return Measurement(comparison, found.failures)


def _saved(with_: Totals | None, without: Totals | None, found: Found) -> Saved:
    image_bytes = pull_bytes = seconds = None
    if len(found.images) == 2:
        small, large = found.images[WITH], found.images[WITHOUT]
        image_bytes = large.bytes - small.bytes
        if large.pull_bytes is not None and small.pull_bytes is not None:
            pull_bytes = large.pull_bytes - small.pull_bytes
    if found.timed and found.builds and all(each.runs for each in found.builds.values()):
        seconds = seconds_saved(found.builds[WITH].times, found.builds[WITHOUT].times)
    return Saved(
        context_bytes=None if with_ is None or without is None else without.bytes - with_.bytes,
        context_files=None if with_ is None or without is None else without.files - with_.files,
        image_bytes=image_bytes,
        pull_bytes=pull_bytes,
        seconds=seconds,
    )


def _variant(name: str, totals: Totals | None, needed: int | None, found: Found) -> VariantFigures:
    builds = found.builds.get(name, Builds())
    sent = builds.runs[-1].sent_bytes if builds.runs else None
    return VariantFigures(
        context=ContextFigures(
            files=None if totals is None else totals.files,
            dirs=None if totals is None else totals.dirs,
            bytes=None if totals is None else totals.bytes,
            needed_bytes=needed,
            sent_bytes=sent,
        ),
        image=found.images.get(name),
        build=_build(builds.runs, found.builds) if builds.runs and found.timed else None,
        error=str(builds.failure) if builds.failure is not None else None,
        verify=found.verified.get(name),
    )


def _build(runs: Sequence[BuildResult], builds: Mapping[str, Builds]) -> BuildFigures:
    times = [run.seconds for run in runs]
    phases = sorted({phase for run in runs for phase in run.phases})
    by_time = sorted(runs, key=lambda run: run.seconds)
    return BuildFigures(
        seconds=statistics.median(times),
        runs=tuple(times),
        spread=median_absolute_deviation(times),
        phases={phase: statistics.median(run.phases.get(phase, 0.0) for run in runs) for phase in phases},
        steps=by_time[(len(by_time) - 1) // 2].steps,
        measured=measured_lines(runs),
        reused=reused_steps(runs, builds),
    )


def _paths(roots: Sequence[IgnoredRoot], found: Found) -> tuple[PathSaving, ...]:
    runs = found.builds[WITHOUT].runs if found.builds else ()
    rebuilds = _rebuilds(found.rebuilds.cost) if found.rebuilds is not None else {}
    sent = _sent_without(found)
    by_path = IgnoredRoots(root.path for root in roots)
    changed = {by_path.of(path) for path in found.changed}
    pulled = _pulled(found)
    paths = [
        PathSaving(
            path=root.path,
            rule=root.rule,
            context=root.context,
            files=None if root.unread else root.totals.files,
            context_bytes=None if root.unread else root.totals.bytes,
            sent_bytes=None if sent is None else sent.by_root.get(root.path, 0),
            image_bytes=None if found.bytes is None else found.bytes.image_bytes.get(root.path, 0),
            pull_bytes=found.bytes.pull_bytes.get(root.path, 0) if found.bytes and pulled else None,
            **_seconds(root.path, found.seconds),
            send_seconds=_send_seconds(root.path, runs) if found.timed else None,
            **rebuilds.get(root.path, {}),
            note=_note(root, found, root.path in changed),
        )
        for root in roots
    ]
    return ranked(paths, lambda path: path.path)


def _seconds(path: str, divided: DividedSeconds | None) -> dict[str, Any]:
    if divided is None:
        return {}
    # Of one that is not there no step took anything: it was not even sent.
    seconds = divided.roots.get(path, Seconds(0.0, 0.0, 0.0))
    return {
        "seconds": seconds.median,
        "seconds_low": seconds.low,
        "seconds_high": seconds.high,
        "seconds_source": "measured" if seconds.measured else "estimated",
    }


def _rebuilds(cost: RebuildCost) -> dict[str, dict[str, Any]]:
    """By path, what a change to it adds to a build without the ignore file, where that was measured."""
    found = {}
    for change in cost.ignored:
        extra = cost.extra_seconds(change, WITHOUT)
        if extra is not None:
            steps = len(change.rebuilds[WITHOUT].steps)
            found[change.path] = {"rebuild_seconds": extra.median, "rebuild_steps": steps}
    return found


def _send_seconds(path: str, runs: Sequence[BuildResult]) -> float | None:
    known = [run.sent_seconds.get(path, 0.0) for run in runs if run.sent_seconds is not None]
    return statistics.median(known) if known else None


def _note(root: IgnoredRoot, found: Found, changed: bool) -> str | None:
    savings = found.bytes
    if root.hidden:
        return _HIDDEN_NOTE
    if root.unread:
        return _UNREAD_NOTE
    if changed:
        return _CHANGED_NOTE
    if savings is not None and root.totals.bytes and not savings.image_bytes.get(root.path):
        sent = _sent_without(found)
        never_sent = sent is not None and not sent.by_root.get(root.path)
        return (
            "neither sent nor in the image without it" if never_sent else "not in the image without it either"
        )
    return None


def _rules(
    rules: Iterable[RuleTotals], paths: Iterable[PathSaving], *, divided: bool
) -> tuple[RuleSaving, ...]:
    by_line: dict[tuple[str | None, int], list[PathSaving]] = defaultdict(list)
    for path in paths:
        by_line[path.context, path.rule.line].append(path)
    savings = [_together(each, by_line[each.context, each.rule.line], divided) for each in rules]
    return ranked(savings, lambda each: (each.context or "", each.rule.line))


def _together(of: RuleTotals, paths: Sequence[PathSaving], divided: bool) -> RuleSaving:
    """What ``paths``, which the rule decides, save; a sum is None where one of its figures is."""
    sums: dict[str, Any] = {}
    for name in (*_SIZES, *(_SECONDS if divided else ())):
        figures = [getattr(path, name) for path in paths]
        sums[name] = None if None in figures else sum(figures)
    if divided:
        measured = paths and all(path.seconds_source == "measured" for path in paths)
        sums["seconds_source"] = "measured" if measured else "estimated"
    return RuleSaving(rule=of.rule, context=of.context, paths=len(paths), **sums)


def _pulled(found: Found) -> bool:
    """Whether it is known how much a pull of the images transfers."""
    return all(image.pull_bytes is not None for image in found.images.values())


def _unattributed(scan: ScanResult, found: Found) -> Unattributed:
    savings, divided = found.bytes, found.seconds
    return Unattributed(
        context_bytes=scan.emptied.bytes - scan.hidden.bytes,
        image_bytes=None if savings is None else savings.unattributed_bytes,
        derived_bytes=None if savings is None else savings.derived_bytes,
        pull_bytes=savings.unattributed_pull_bytes if savings and _pulled(found) else None,
        seconds=None if divided is None else divided.unattributed,
    )


def _warnings(subject: Subject, found: Found, saved: Saved) -> Iterator[Warning]:
    if not subject.project.filtered:
        yield Warning(
            "no-ignore-file",
            "there is no ignore file, so there is nothing to compare and nothing was built;"
            f" `ctxsize suggest{_words(subject)}` finds what one could leave out, and proves it",
            where=subject.project.name,
        )
    yield from found.warnings
    if found.changed:
        names = list(found.changed)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield Warning(
            "tree-changed",
            f"{', '.join(names[:3])}{more} changed after the scan: `context` is as scanned, everything else"
            " as each build was sent it; stop what writes there and run again",
            where=subject.project.name,
        )
    if any(isinstance(each.failure, Interrupted) for each in found.builds.values()):
        yield Warning(
            "interrupted", "the measurement was interrupted: the figures are of the builds that had ended"
        )
    if subject.found.hidden.files:
        yield Warning(
            "ignore-file-in-context",
            "the ignore file does not list itself: it is sent, and counts against what is saved",
        )
    if subject.found.emptied.bytes:
        yield Warning(
            "emptied-files",
            "BuildKit delivers some kept files with 0 bytes, because an earlier rule ignores a directory"
            " above them; their content counts as context that is not attributed",
        )
    if saved.image_bytes == 0:
        reason = "reaches the final image: the ignore file saves context, but 0 image bytes"
        if not _saves_sending(found):
            reason = "is sent, nor reaches the final image: without the ignore file the build is the same"
        yield Warning("image-unchanged", f"nothing of what is ignored {reason}")
    if found.timed:
        yield from timing_warnings(found.builds)
        yield from reuse_warnings(found.builds)
    # What the builder itself warned of, each once.
    messages = (text for each in found.builds.values() for run in each.runs for text in run.warnings)
    yield from (Warning("builder-warning", message) for message in dict.fromkeys(messages))
    yield from verify_warnings(found.verified)
    if found.rebuilds is not None:
        yield from _rebuild_warnings(found.rebuilds.cost, _words(subject))
    if found.bytes is not None:
        yield from _sum_warning("image", found.bytes.total_bytes, saved.image_bytes)
    if found.bytes is not None and saved.pull_bytes is not None:
        yield from _sum_warning("pull", found.bytes.total_pull_bytes, saved.pull_bytes)


def _words(subject: Subject) -> str:
    """What follows a command about this project."""
    return subject.project.words(subject.options.target)


def _sent_without(found: Found) -> SentTree | None:
    return found.builds[WITHOUT].sent if WITHOUT in found.builds else None


def _saves_sending(found: Found) -> bool:
    sent = _sent_without(found)
    return sent is None or any(sent.by_root.values())


def _sum_warning(size: str, counted: int, measured: int | None) -> Iterator[Warning]:
    if counted != measured:
        yield Warning(
            "does-not-add-up",
            f"the {size} bytes of paths, of derived files and of unattributed ones add up to {counted}, but"
            f" the {size} sizes differ by {measured}: those of single paths may be wrong; please report"
            " this with the Dockerfile",
        )


def _rebuild_warnings(cost: RebuildCost, words: str) -> Iterator[Warning]:
    for name, error in cost.errors.items():
        yield Warning("rebuild-failed", f"no rebuild was measured {name} the ignore file: {error}")
    for change in cost.ignored:
        if WITHOUT in change.errors:
            message = f"a change to it breaks the build: {change.errors[WITHOUT]}"
            yield Warning("rebuild-failed", message, where=change.path)
        elif change.changed is None:
            message = "a change to a link, a special file or a worktree's .git is not simulated"
            yield Warning("rebuild-not-simulated", message, where=change.path)
    yield from (warning for warning in cost.warnings if warning.code == "max-time")
    if cost.left_out:
        yield Warning(
            "rebuilds-not-measured",
            f"what a change costs was measured for the {len(cost.ignored)} largest paths:"
            f" `ctxsize cache --top 0{words}` measures all",
        )
