"""Building both variants, in an order that is fair to both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import Builder, BuildResult
from ctxsize.errors import BuildFailed, CtxsizeError, EngineError
from ctxsize.progress import Progress

WITH, WITHOUT = "with", "without"

#: Timed builds of each variant unless the user says otherwise: as many as take about TARGET_SECONDS in
#: all, between these bounds; docs/how-it-measures.md says why.
MOST_RUNS = 10
LEAST_RUNS = 5
TARGET_SECONDS = 20.0
#: … and this many when a single build takes longer than LONG_BUILD_SECONDS.
LONG_BUILD_RUNS = 3
LONG_BUILD_SECONDS = 10.0


@dataclass(slots=True)
class Measured:
    """What the builds of one variant gave.

    ``image_id`` is the image of its first build, the one that is read. ``runs`` are the builds whose
    time counts. ``failure`` is the error that ended the measurement of this variant. ``cut_short``:
    the time limit came before all builds that were planned.
    """

    image_id: str | None = None
    runs: list[BuildResult] = field(default_factory=list)
    failure: CtxsizeError | None = None
    cut_short: bool = False


class TimeLimit:
    """How long a measurement may take in all; None: as long as it needs."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def allows(self, seconds: float) -> bool:
        """Whether something that takes that long would still end in time."""
        return self._end is None or time.monotonic() + seconds <= self._end


def alternation(runs: int) -> Iterator[str]:
    """The order of ``runs`` builds of each variant: with, without, without, with, with, …, so that a
    drift of the machine's speed falls on both alike."""
    for number in range(runs):
        yield from (WITH, WITHOUT) if number % 2 == 0 else (WITHOUT, WITH)


def build_variants(
    variants: Mapping[str, Variant],
    builder: Builder,
    *,
    repeat: int | None,
    progress: Progress,
    remove_image: Callable[[str], None],
    limit: TimeLimit | None = None,
    into: dict[str, Measured] | None = None,
) -> dict[str, Measured]:
    """Build each variant ``repeat`` times (None: as often as builds that long allow) in alternation.

    A first build of ``with`` warms up: it makes what the variants share, and its time counts only when
    nothing else is known. A variant that fails is not tried again; the other is still built once, so
    that its numbers are not lost. Each variant is built once whatever the ``limit``, and again only while
    that allows another build as long as the longest. ``into`` is filled as builds end, so that its
    owner has what was measured when this is interrupted.
    """
    limit = limit or TimeLimit(None)
    measured = into if into is not None else {}
    measured.update({name: Measured() for name in variants})
    warm_up = _build(variants[WITH], measured[WITH], builder, progress, "warm-up build", remove_image)
    planned = repeat or MOST_RUNS
    done = 0
    for name in alternation(planned):
        other = measured[WITHOUT if name == WITH else WITH]
        if measured[name].failure or (other.failure and measured[name].runs):
            continue
        if done == 2 and repeat is None:
            planned = _affordable(measured)
        if done >= 2 * planned:
            break
        if done >= 2 and not limit.allows(_longest(measured)):
            for each in measured.values():
                each.cut_short = True
            break
        title = f"build {done + 1} of {2 * planned} ({name} the ignore file)"
        result = _build(variants[name], measured[name], builder, progress, title, remove_image)
        if result is not None:
            measured[name].runs.append(result)
        done += 1
    if warm_up is not None and not measured[WITH].runs:
        measured[WITH].runs.append(warm_up)
    return measured


def _affordable(measured: Mapping[str, Measured]) -> int:
    """How often to build each variant, from how long their first builds took."""
    if _longest(measured) > LONG_BUILD_SECONDS:
        return LONG_BUILD_RUNS
    seconds = sum(run.seconds for variant in measured.values() for run in variant.runs)
    return min(max(int(TARGET_SECONDS / max(seconds, 0.001)), LEAST_RUNS), MOST_RUNS)


def build_restored(
    variants: Mapping[str, Variant],
    builder: Builder,
    *,
    runs: int,
    progress: Progress,
    remove_image: Callable[[str], None],
    limit: TimeLimit | None = None,
) -> dict[str, Measured]:
    """Build every variant ``runs`` times: all of them in turn, then in the opposite order, and so on.

    One that fails is not tried again. The ``limit`` is looked at before every round but the first.
    """
    limit = limit or TimeLimit(None)
    measured = {name: Measured() for name in variants}
    names = list(variants)
    for number in range(runs):
        if number and not limit.allows(sum(m.runs[-1].seconds for m in measured.values() if m.runs)):
            for each in measured.values():
                each.cut_short = True
            break
        for name in names if number % 2 == 0 else reversed(names):
            if measured[name].failure:
                continue
            title = f"round {number + 1} of {runs} ({name})"
            result = _build(variants[name], measured[name], builder, progress, title, remove_image)
            if result is not None:
                measured[name].runs.append(result)
    for each in measured.values():
        if each.image_id is not None:
            remove_image(each.image_id)
    return measured


def _build(
    variant: Variant,
    measured: Measured,
    builder: Builder,
    progress: Progress,
    title: str,
    remove_image: Callable[[str], None],
) -> BuildResult | None:
    """One build; its image is kept when it is the variant's first and removed otherwise."""
    progress.phase(title)
    try:
        result = builder.build(variant, progress=progress)
        if measured.image_id is None:
            measured.image_id = result.image_id
        else:
            remove_image(result.image_id)
    except (BuildFailed, EngineError) as error:
        measured.failure = error
        return None
    return result


def _longest(measured: Mapping[str, Measured]) -> float:
    return max((run.seconds for variant in measured.values() for run in variant.runs), default=0.0)
