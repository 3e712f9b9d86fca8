"""Holding what was measured against the limits. Pure: numbers in, verdicts out."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from ctxsize.budget.baseline import Past, Paths
from ctxsize.budget.growth import grown
from ctxsize.budget.limits import Kind, Limit
from ctxsize.budget.types import Grown, Judged

_LOOK_AT = {
    "context": "`ctxsize context --largest 10` shows what is large",
    "context-files": "`ctxsize context --depth 3` shows where the files are",
    "image": "`ctxsize compare` shows what the ignore file saves, `docker history` what each step adds",
    "pull": "`ctxsize compare` shows what the ignore file saves, `docker history` what each step adds",
    "build-time": "`ctxsize compare --format json` has the seconds of every step",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a target now: ``with`` its ignore file, and ``without`` as far as asked for.

    Both map what a limit can be of (``context``, ``context-files``, ``image``, ``pull``) to bytes or a
    number. ``missing`` says for the rest why it is not known. ``runs`` are build times in seconds.
    """

    with_: Mapping[str, int] = field(default_factory=dict)
    without: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[float, ...] = ()
    context_paths: Paths | None = None
    image_paths: Paths | None = None


def judge(limit: Limit, figures: Figures, past: Past | None, no_past: str = "") -> Judged:
    """The verdict on one limit. ``past`` is None without a baseline; ``no_past`` then says why."""
    group = limit.kind.group
    if group == "growth":
        if past is None:
            return _unknown(limit, no_past, "--baseline FILE gives one, --save-baseline FILE makes one")
        if limit.kind.of == "build-time":
            return _build_time(limit, figures, past)
        return _growth(limit, figures, past)
    value = figures.with_.get(limit.kind.of)
    if value is None:
        return _unknown(limit, _why(limit, figures))
    if group == "savings":
        return _savings(limit, figures, value)
    most = limit.amount or 0
    hint = None
    if value > most:
        hint = f"{_LOOK_AT[limit.kind.of]}; to accept it, raise the limit ({limit.where})"
    return _judged(limit, most, value, over=value > most, hint=hint)


def _growth(limit: Limit, figures: Figures, past: Past) -> Judged:
    of = limit.kind.of
    before = {
        "context": past.context_bytes,
        "context-files": past.context_files,
        "image": past.image_bytes,
        "pull": past.pull_bytes,
    }[of]
    now = figures.with_.get(of)
    if now is None:
        return _unknown(limit, _why(limit, figures))
    if before is None:
        return _unknown(limit, f"the baseline does not know it ({of})", "make it again with --save-baseline")
    most = limit.share.of(before) if limit.share else limit.amount or 0
    value = now - before
    over = value > most
    hint = f"{_LOOK_AT[of]}; to accept it, make a new baseline with --save-baseline" if over else None
    return _judged(
        limit, most, value, over=over, total=now, baseline=before, hint=hint,
        grew=_grew(limit.kind, figures, past) if over else (),
    )  # fmt: skip


def _grew(kind: Kind, figures: Figures, past: Past) -> tuple[Grown, ...]:
    if kind.of in ("context", "context-files"):
        return grown(past.context_paths, figures.context_paths or Paths(), "context")
    return grown(past.image_paths, figures.image_paths or Paths(), "image")


def _build_time(limit: Limit, figures: Figures, past: Past) -> Judged:
    """Over only when more than noise: the median grew by more than the limit, and a 95 % interval of the
    growth excludes zero."""
    from ctxsize.measure.timing import MIN_RUNS, seconds_saved

    if not figures.runs:
        return _unknown(limit, _why(limit, figures))
    fewest = min(len(figures.runs), len(past.runs))
    if fewest < MIN_RUNS:
        whose = "the baseline has" if len(past.runs) == fewest else "there were"
        reason = f"{whose} {fewest} timed builds and {MIN_RUNS} are the least that says something"
        return _unknown(limit, reason, "renew the baseline, or ask for more with --repeat")
    before, now = statistics.median(past.runs), statistics.median(figures.runs)
    change = seconds_saved(past.runs, figures.runs)
    most = limit.share.of_float(before) if limit.share else 0.0
    over = change.median > most and bool(change.significant)
    hint = f"{_LOOK_AT['build-time']}; was the baseline made on this machine?" if over else None
    return _judged(limit, most, change.median, over=over, total=now, baseline=before, hint=hint)


def _savings(limit: Limit, figures: Figures, with_: int) -> Judged:
    without = figures.without.get(limit.kind.of)
    if without is None:
        return _unknown(limit, _why(limit, figures))
    # A share of something is rounded up: the saving is an integer, and must not be below the share.
    least = -limit.share.of(-without) if limit.share else limit.amount or 0
    value = without - with_
    over = value < least
    hint = "`ctxsize compare` shows what each rule saves" if over else None
    return _judged(limit, least, value, over=over, at_least=True, total=with_, baseline=without, hint=hint)


def _why(limit: Limit, figures: Figures) -> str:
    return figures.missing.get(limit.kind.of) or "it was not measured"


def _unknown(limit: Limit, reason: str, hint: str | None = None) -> Judged:
    return Judged(
        limit.kind.name, limit.kind.unit, limit.text, limit.amount, None, over=False,
        at_least=limit.kind.group == "savings", where=limit.where, reason=reason, hint=hint,
    )  # fmt: skip


def _judged(
    limit: Limit,
    most: int | float,
    value: int | float,
    *,
    over: bool,
    at_least: bool = False,
    total: int | float | None = None,
    baseline: int | float | None = None,
    hint: str | None = None,
    grew: tuple[Grown, ...] = (),
) -> Judged:
    return Judged(
        limit.kind.name, limit.kind.unit, limit.text, most, value, over=over, at_least=at_least,
        total=total, baseline=baseline, where=limit.where, grew=grew, hint=hint,
    )  # fmt: skip
