"""Holding what was measured against the limits. Pure: numbers in, verdicts out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ctxsize.budget.growth import MOST, grown, grown_lines
from ctxsize.budget.limits import Kind, Limit
from ctxsize.budget.types import Grown, Judged
from ctxsize.measure.target import MeasuredTarget

#: What to type next; the options and the path of the project come in place of the dots.
_LOOK_AT = {
    "context": "`ctxsize context --largest 10…` shows what is large",
    "context-files": "`ctxsize context --depth 3…` shows where the files are",
    "image": "`ctxsize compare…` shows what the ignore file saves, `ctxsize image…` what each step adds",
    "pull": "`ctxsize compare…` shows what the ignore file saves, `ctxsize image…` what each step adds",
    "wasted": "`ctxsize image…` shows what is wasted, and how not to",
    "reclaimable": "`ctxsize image…` shows what is wasted, and how not to",
    "leftovers": "`ctxsize image…` shows what was left, and by which step",
    "layer": "`ctxsize image --by dir…` shows what is in it",
    "line": "`ctxsize image…` shows what each step adds",
    "build-time": "`ctxsize compare --format json…` has the seconds of every step",
}
_RENEW = "make it again with --save-baseline; a registry knows `pull` alone"
_SAVES = "`ctxsize compare…` shows what each rule saves"


def judge(
    limit: Limit, now: MeasuredTarget, past: MeasuredTarget | None, no_past: str = "", words: str = ""
) -> Judged:
    """The verdict on one limit. ``past`` is None without a baseline; ``no_past`` then says why. ``words``
    follow a command about the project, as :meth:`ctxsize.project.Project.words` has them."""
    judged = _judge(limit, now, past, no_past)
    return replace(judged, hint=judged.hint.replace("…`", f"{words}`")) if judged.hint else judged


def _judge(limit: Limit, now: MeasuredTarget, past: MeasuredTarget | None, no_past: str) -> Judged:
    group = limit.kind.group
    if group == "growth":
        if past is None:
            return _unknown(limit, no_past, "--baseline FILE gives one, --save-baseline FILE makes one")
        if limit.kind.of == "build-time":
            return _build_time(limit, now, past)
        if limit.kind.of == "line":
            return _line(limit, now, past)
        return _growth(limit, now, past)
    value = now.size(limit.kind.of)
    if value is None:
        return _unknown(limit, _why(limit, now))
    if group == "savings":
        return _savings(limit, now, value)
    most = limit.amount or 0
    if limit.share is not None:
        if now.image_bytes is None:
            return _unknown(limit, _why(limit, now))
        most = limit.share.of(now.image_bytes)
    hint = None
    if value > most:
        hint = f"{_LOOK_AT[limit.kind.of]}; to accept it, raise the limit ({limit.where})"
        if largest := now.most.get(limit.kind.of):
            hint = f"most of it: {largest}; {hint}"
    return _judged(limit, most, value, over=value > most, hint=hint)


def _growth(limit: Limit, now: MeasuredTarget, past: MeasuredTarget) -> Judged:
    of = limit.kind.of
    before, total = past.size(of), now.size(of)
    if total is None:
        return _unknown(limit, _why(limit, now))
    if before is None:
        return _unknown(limit, f"the baseline does not know it ({of})", _RENEW)
    most = limit.share.of(before) if limit.share else limit.amount or 0
    value = total - before
    over = value > most
    hint = f"{_LOOK_AT[of]}; to accept it, make a new baseline with --save-baseline" if over else None
    grew = _grew(limit.kind, now, past) if over else ()
    return _judged(limit, most, value, over=over, total=total, baseline=before, hint=hint, grew=grew)


def _grew(kind: Kind, now: MeasuredTarget, past: MeasuredTarget) -> tuple[Grown, ...]:
    if kind.of in ("context", "context-files"):
        return grown(past.context_paths, now.context_paths, "context")
    lines = grown_lines(past.steps, now.steps, "pull_bytes" if kind.of == "pull" else "bytes")
    larger = sorted((each for each in lines if each.bytes > 0), key=lambda each: -each.bytes)
    return (*larger[:MOST], *grown(past.image_paths, now.image_paths, "image"))


def _line(limit: Limit, now: MeasuredTarget, past: MeasuredTarget) -> Judged:
    """The step that is furthest beyond what it may grow by."""
    if not now.steps:
        return _unknown(limit, _why(limit, now))
    lines = grown_lines(past.steps, now.steps)
    if not lines:
        return _unknown(limit, "the baseline does not know the lines of the Dockerfile", _RENEW)
    may = {id(each): limit.share.of(each.before or 0) if limit.share else limit.amount or 0 for each in lines}
    worst = max(lines, key=lambda each: each.bytes - may[id(each)])
    most = may[id(worst)]
    over = worst.bytes > most
    grew = sorted((each for each in lines if each.bytes > may[id(each)]), key=lambda each: -each.bytes)
    hint = f"{_LOOK_AT['line']}; to accept it, make a new baseline with --save-baseline" if over else None
    return _judged(
        limit, most, worst.bytes, over=over, total=worst.after, baseline=worst.before, hint=hint,
        grew=(worst, *(each for each in grew if each is not worst))[:MOST] if over else (),
    )  # fmt: skip


def _build_time(limit: Limit, now: MeasuredTarget, past: MeasuredTarget) -> Judged:
    """Over only when more than noise: the median grew by more than the limit, and a 95 % interval of the
    growth excludes zero."""
    from statistics import median

    from ctxsize.measure.timing import MIN_RUNS, seconds_saved

    if not now.runs:
        return _unknown(limit, _why(limit, now))
    fewest = min(len(now.runs), len(past.runs))
    if fewest < MIN_RUNS:
        whose = "the baseline has" if len(past.runs) == fewest else "there were"
        reason = f"{whose} {fewest} timed builds and {MIN_RUNS} are the least that says something"
        return _unknown(limit, reason, "renew the baseline, or ask for more with --repeat")
    before, total = median(past.runs), median(now.runs)
    change = seconds_saved(past.runs, now.runs)
    most = limit.share.of_float(before) if limit.share else 0.0
    over = change.median > most and bool(change.significant)
    hint = f"{_LOOK_AT['build-time']}; was the baseline made on this machine?" if over else None
    return _judged(limit, most, change.median, over=over, total=total, baseline=before, hint=hint)


def _savings(limit: Limit, now: MeasuredTarget, with_: int) -> Judged:
    without = now.without.size(limit.kind.of) if now.without is not None else None
    if without is None:
        return _unknown(limit, _why(limit, now))
    # A share of something is rounded up: the saving is an integer, and must not be below the share.
    least = -limit.share.of(-without) if limit.share else limit.amount or 0
    value = without - with_
    over = value < least
    hint = _SAVES if over else None
    return _judged(limit, least, value, over=over, total=with_, baseline=without, hint=hint)


def _why(limit: Limit, now: MeasuredTarget) -> str:
    return now.missing.get(limit.kind.of) or "it was not measured"


def _unknown(limit: Limit, reason: str, hint: str | None = None) -> Judged:
    return _judged(limit, limit.amount, None, over=False, reason=reason, hint=hint)


def _judged(
    limit: Limit, most: int | float | None, value: int | float | None, *, over: bool, **more: Any
) -> Judged:
    """The verdict on ``limit``; ``more`` are further fields of it."""
    kind, saving = limit.kind, limit.kind.group == "savings"
    more |= {"over": over, "at_least": saving, "where": limit.where}
    return Judged(kind.name, kind.unit, limit.text, most, value, **more)
