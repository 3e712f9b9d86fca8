"""From what was scanned, built and read to the Comparison; nothing here talks to an engine."""

from __future__ import annotations

import datetime
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, TypeVar

from ctxsize import __version__
from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.seconds import DividedSeconds, Seconds
from ctxsize.comparison.timing_warnings import timing_warnings
from ctxsize.comparison.types import (
    BuildFigures,
    Comparison,
    ContextFigures,
    PathSaving,
    RuleSaving,
    Saved,
    Unattributed,
    VariantFigures,
    Warning,
)
from ctxsize.context.totals import IgnoredRoot, ScanResult, Totals
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.ignore.types import Rule
from ctxsize.measure.builds import WITH, WITHOUT, Measured
from ctxsize.measure.figures import EngineFigures, ImageFigures, ProjectFigures
from ctxsize.measure.timing import median_absolute_deviation, seconds_saved
from ctxsize.sensitive.types import SensitiveFile

_Number = TypeVar("_Number", int, float)

_HIDDEN_NOTE = "saves nothing: a project without an ignore file has no such file either"


def make_comparison(
    *,
    project: ProjectFigures,
    engine: EngineFigures | None,
    scan: ScanResult,
    needed: Mapping[str, int | None],
    measured: Mapping[str, Measured],
    images: Mapping[str, ImageFigures],
    savings: ImageSavings | None,
    divided: DividedSeconds | None,
    warnings: Iterable[Warning],
    sensitive: Iterable[SensitiveFile] = (),
) -> Comparison:
    """Put the parts of a measurement together.

    ``needed`` gives the needed bytes per variant; ``images`` has the variants that built and were
    read; ``savings`` is None when there were not two images to compare, ``divided`` when build time
    is not divided over the paths, for which ``warnings`` then has the reason.
    """
    assert scan.without is not None, "a comparison scans the whole context"
    totals = {WITH: scan.eligible, WITHOUT: scan.without}
    variants = {
        name: _variant(totals[name], needed.get(name), measured.get(name, Measured()), images.get(name))
        for name in (WITH, WITHOUT)
    }
    image_bytes = pull_bytes = None
    if WITH in images and WITHOUT in images:
        image_bytes = images[WITHOUT].bytes - images[WITH].bytes
        pull_bytes = images[WITHOUT].pull_bytes - images[WITH].pull_bytes
    with_build, without_build = variants[WITH].build, variants[WITHOUT].build
    paths = _paths(scan.roots, savings, divided, measured.get(WITHOUT, Measured()).runs)
    return Comparison(
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        project=project,
        engine=engine,
        variants=variants,
        saved=Saved(
            context_bytes=scan.without.bytes - scan.eligible.bytes,
            context_files=scan.without.files - scan.eligible.files,
            image_bytes=image_bytes,
            pull_bytes=pull_bytes,
            seconds=seconds_saved(with_build.runs, without_build.runs)
            if with_build and without_build
            else None,
        ),
        paths=paths,
        rules=_rules([rule.rule for rule in scan.rules], paths, divided=divided is not None),
        unattributed=_rest(scan, savings, divided, image_bytes, pull_bytes),
        warnings=(
            *warnings,
            *_own_warnings(scan, image_bytes),
            *timing_warnings(measured),
            *_builder_warnings(measured),
        ),
        calibration=divided.costs if divided is not None else {},
        sensitive=tuple(sensitive),
    )


def _variant(
    totals: Totals, needed: int | None, measured: Measured, image: ImageFigures | None
) -> VariantFigures:
    sent = measured.runs[-1].sent_bytes if measured.runs else None
    return VariantFigures(
        context=ContextFigures(totals.files, totals.dirs, totals.bytes, needed, sent),
        image=image,
        build=_build(measured.runs) if measured.runs else None,
        error=str(measured.failure) if measured.failure is not None else None,
    )


def _build(runs: Sequence[BuildResult]) -> BuildFigures:
    times = [run.seconds for run in runs]
    phases = sorted({phase for run in runs for phase in run.phases})
    by_time = sorted(runs, key=lambda run: run.seconds)
    return BuildFigures(
        seconds=statistics.median(times),
        runs=tuple(times),
        spread=median_absolute_deviation(times),
        phases={phase: statistics.median(run.phases.get(phase, 0.0) for run in runs) for phase in phases},
        steps=by_time[(len(by_time) - 1) // 2].steps,
    )


def _paths(
    roots: Iterable[IgnoredRoot],
    savings: ImageSavings | None,
    divided: DividedSeconds | None,
    runs: Sequence[BuildResult],
) -> tuple[PathSaving, ...]:
    paths = [
        PathSaving(
            path=root.path,
            rule=root.rule,
            files=root.totals.files,
            context_bytes=root.totals.bytes,
            image_bytes=None if savings is None else savings.image_bytes.get(root.path, 0),
            pull_bytes=None if savings is None else savings.pull_bytes.get(root.path, 0),
            **_seconds(root.path, divided),
            send_seconds=_send_seconds(root.path, runs),
            note=_note(root, savings),
        )
        for root in roots
    ]
    return tuple(sorted(paths, key=lambda path: (-(path.image_bytes or 0), -path.context_bytes, path.path)))


class _SecondsFields(TypedDict, total=False):
    seconds: float | None
    seconds_low: float | None
    seconds_high: float | None
    seconds_source: str | None


def _seconds(path: str, divided: DividedSeconds | None) -> _SecondsFields:
    if divided is None:
        return {}
    seconds = divided.roots.get(path)
    if seconds is None:
        # No step took anything of it: it was not even sent.
        seconds = Seconds(0.0, 0.0, 0.0)
    return {
        "seconds": seconds.median,
        "seconds_low": seconds.low,
        "seconds_high": seconds.high,
        "seconds_source": "measured" if seconds.measured else "estimated",
    }


def _rule_seconds(paths: Sequence[PathSaving]) -> _SecondsFields:
    return {
        "seconds": _sum(path.seconds for path in paths),
        "seconds_low": _sum(path.seconds_low for path in paths),
        "seconds_high": _sum(path.seconds_high for path in paths),
        "seconds_source": None
        if any(path.seconds is None for path in paths)
        else "measured"
        if paths and all(path.seconds_source == "measured" for path in paths)
        else "estimated",
    }


def _send_seconds(path: str, runs: Sequence[BuildResult]) -> float | None:
    known = [run.sent_seconds.get(path, 0.0) for run in runs if run.sent_seconds is not None]
    return statistics.median(known) if known else None


def _note(root: IgnoredRoot, savings: ImageSavings | None) -> str | None:
    if root.hidden:
        return _HIDDEN_NOTE
    if savings is not None and root.totals.bytes and not savings.image_bytes.get(root.path):
        return "not in the image without it either"
    return None


def _rules(rules: Iterable[Rule], paths: Iterable[PathSaving], *, divided: bool) -> tuple[RuleSaving, ...]:
    by_line: dict[int, list[PathSaving]] = defaultdict(list)
    for path in paths:
        by_line[path.rule.line].append(path)
    savings = [
        RuleSaving(
            rule=rule,
            paths=len(by_line[rule.line]),
            files=sum(path.files for path in by_line[rule.line]),
            context_bytes=sum(path.context_bytes for path in by_line[rule.line]),
            image_bytes=_sum(path.image_bytes for path in by_line[rule.line]),
            pull_bytes=_sum(path.pull_bytes for path in by_line[rule.line]),
            **(_rule_seconds(by_line[rule.line]) if divided else {}),
        )
        for rule in rules
    ]
    return tuple(
        sorted(
            savings, key=lambda saving: (-(saving.image_bytes or 0), -saving.context_bytes, saving.rule.line)
        )
    )


def _sum(figures: Iterable[_Number | None]) -> _Number | None:
    total: _Number = 0
    for figure in figures:
        if figure is None:
            return None
        total += figure
    return total


def _rest(
    scan: ScanResult,
    savings: ImageSavings | None,
    divided: DividedSeconds | None,
    image_bytes: int | None,
    pull_bytes: int | None,
) -> Unattributed:
    context = scan.emptied.bytes - scan.hidden.bytes
    seconds = divided.unattributed if divided is not None else None
    if savings is None or image_bytes is None or pull_bytes is None:
        return Unattributed(context, None, None, None, seconds)
    attributed = sum(savings.image_bytes.values()) + savings.derived_bytes
    return Unattributed(
        context_bytes=context,
        image_bytes=image_bytes - attributed,
        derived_bytes=savings.derived_bytes,
        pull_bytes=pull_bytes - sum(savings.pull_bytes.values()),
        seconds=seconds,
    )


def _own_warnings(scan: ScanResult, image_bytes: int | None) -> Iterable[Warning]:
    if scan.hidden.files:
        yield Warning(
            "ignore-file-in-context",
            "the ignore file does not list itself: it is sent, and counts against what is saved",
        )
    if scan.emptied.bytes:
        yield Warning(
            "emptied-files",
            "BuildKit delivers some kept files with 0 bytes, because an earlier rule ignores a directory"
            " above them; their content counts as context that is not attributed",
        )
    if image_bytes == 0:
        yield Warning(
            "image-unchanged",
            "nothing of what is ignored reaches the final image: the ignore file saves context, but 0"
            " image bytes",
        )


def _builder_warnings(measured: Mapping[str, Measured]) -> Iterable[Warning]:
    """What the builder itself warned of, each once."""
    messages = (message for variant in measured.values() for run in variant.runs for message in run.warnings)
    for message in dict.fromkeys(messages):
        yield Warning("builder-warning", message)
