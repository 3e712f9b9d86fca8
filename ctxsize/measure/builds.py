"""Building several variants, in an order that is fair to all of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.errors import BuildFailed, CtxsizeError, EngineError, full_disk_hint
from ctxsize.files.sent import SentTree
from ctxsize.measure.bench import Bench
from ctxsize.measure.figures import WITH, WITHOUT

#: Timed builds of each variant unless the user says otherwise: as many as take about TARGET_SECONDS in
#: all, between these bounds; docs/how-it-measures.md says why.
MOST_RUNS = 10
LEAST_RUNS = 5
TARGET_SECONDS = 20.0
#: … and this many when a single build takes longer than LONG_BUILD_SECONDS.
LONG_BUILD_RUNS = 3
LONG_BUILD_SECONDS = 10.0


@dataclass(slots=True)
class Builds:
    """The builds of one variant, filled as they end.

    ``image_id`` is the image of the first one, which is read, and ``sent`` what that one was sent.
    ``changed`` are the paths that had changed since the survey when a build was sent them. ``runs`` are
    those whose time counts.
    ``failure`` is the error that ended them. ``cut_short``: the time limit came before all that were
    planned.
    """

    image_id: str | None = None
    runs: list[BuildResult] = field(default_factory=list)
    failure: CtxsizeError | None = None
    cut_short: bool = False
    sent: SentTree | None = None
    changed: dict[str, None] = field(default_factory=dict)

    @property
    def times(self) -> list[float]:
        """The seconds of each run."""
        return [run.seconds for run in self.runs]

    @property
    def found_no_room(self) -> bool:
        """Whether a full disk of the engine ended them."""
        failure = self.failure
        return isinstance(failure, BuildFailed) and full_disk_hint(failure.message, *failure.log) is not None


def alternation(runs: int) -> Iterator[str]:
    """The order of ``runs`` builds of each variant: with, without, without, with, with, …, so that a
    drift of the machine's speed affects both alike."""
    for number in range(runs):
        yield from (WITH, WITHOUT) if number % 2 == 0 else (WITHOUT, WITH)


def build_variants(bench: Bench, builds: dict[str, Builds], *, repeat: int | None) -> None:
    """Build each variant ``repeat`` times (None: as often as builds that long allow) in alternation.

    ``builds`` is filled as builds end, so that its owner has what was measured when this is interrupted.
    A first build of ``with`` warms up: it makes what the variants share, and its time counts only when
    nothing else is known. A variant that fails is not tried again; the other one is still built once, so
    that its figures are not lost. The time limit never keeps a variant from its first timed build, and
    allows another one only if even one as long as the longest would end in time.
    """
    variants = {name: bench.subject.variant(name) for name in (WITH, WITHOUT)}
    builds.update({name: Builds() for name in variants})
    warm_up = _build(bench, variants[WITH], builds[WITH], "warm-up build")
    planned = repeat or MOST_RUNS
    done = 0
    for name in alternation(planned):
        other = builds[WITHOUT if name == WITH else WITH]
        if builds[name].failure or (other.failure and builds[name].runs):
            continue
        if done == 2 and repeat is None:
            planned = _affordable(builds)
        if done >= 2 * planned:
            break
        if done >= 2 and not bench.limit.allows(_longest(builds)):
            _cut_short(builds)
            break
        title = f"build {done + 1} of {2 * planned} ({name} the ignore file)"
        left = _left(builds, planned) if done >= 2 else None
        result = _build(bench, variants[name], builds[name], title, left)
        if result is not None:
            builds[name].runs.append(result)
        done += 1
    if warm_up is not None and not builds[WITH].runs:
        builds[WITH].runs.append(warm_up)
    failure = builds[WITH].failure
    if isinstance(failure, BuildFailed) and builds[WITHOUT].failure is None:
        bench.subject.blame_rule(failure)
    if bench.builder.name != "classic" and any(each.found_no_room for each in builds.values()):
        # To give out the image that did fit, the engine needs the room which the failed build took. The
        # classic builder keeps nothing of a step that failed.
        bench.builder.forget()


def build_restored(bench: Bench, variants: Mapping[str, Variant], *, runs: int) -> dict[str, Builds]:
    """Build every variant ``runs`` times: all of them in turn, then in the opposite order, and so on.

    One that fails is not tried again. The time limit is looked at before every round but the first.
    """
    builds = {name: Builds() for name in variants}
    names = list(variants)
    for number in range(runs):
        if number and not bench.limit.allows(sum(each.times[-1] for each in builds.values() if each.runs)):
            _cut_short(builds)
            break
        for name in names if number % 2 == 0 else reversed(names):
            if builds[name].failure:
                continue
            title = f"round {number + 1} of {runs} ({name})"
            result = _build(bench, variants[name], builds[name], title)
            if result is not None:
                builds[name].runs.append(result)
    for each in builds.values():
        if each.image_id is not None:
            bench.run.images.release(each.image_id)
    return builds


def _build(
    bench: Bench, variant: Variant, builds: Builds, title: str, left: float | None = None
) -> BuildResult | None:
    """One build; its image is kept when it is the variant's first and removed otherwise."""
    size = builds.runs[-1].sent_bytes if builds.runs else None
    try:
        result = bench.build(variant, title, size=size, left=left)
        if result.sent is not None:
            builds.changed.update(dict.fromkeys(result.sent.changed))
        if builds.image_id is None:
            builds.image_id, builds.sent = result.image_id, result.sent
            bench.run.images.hold(result.image_id)
        else:
            bench.run.images.remove(result.image_id)
    except (BuildFailed, EngineError) as error:
        builds.failure = error
        return None
    return replace(result, sent=None)


def _affordable(builds: Mapping[str, Builds]) -> int:
    """How often to build each variant, from how long their first builds took."""
    if _longest(builds) > LONG_BUILD_SECONDS:
        return LONG_BUILD_RUNS
    seconds = sum(sum(each.times) for each in builds.values())
    return min(max(int(TARGET_SECONDS / max(seconds, 0.001)), LEAST_RUNS), MOST_RUNS)


def _left(builds: Mapping[str, Builds], planned: int) -> float:
    """About how many seconds the builds take that are still to come."""
    return sum(
        max(planned - len(each.runs), 0) * statistics.median(each.times)
        for each in builds.values()
        if each.runs and not each.failure
    )


def _longest(builds: Mapping[str, Builds]) -> float:
    return max((seconds for each in builds.values() for seconds in each.times), default=0.0)


def _cut_short(builds: Mapping[str, Builds]) -> None:
    for each in builds.values():
        each.cut_short = True
