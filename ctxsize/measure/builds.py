"""Building several variants, in an order that is fair to all of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.errors import BuildFailed, CtxsizeError, EngineError, full_disk_hint
from ctxsize.files.sent import SentTree
from ctxsize.measure.bench import Bench
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.pace import foretold, last_time, remember

#: Timed builds of each variant unless the user says otherwise: as many as take about TARGET_SECONDS in
#: all, between these bounds; docs/how-it-measures.md says why.
MOST_RUNS = 10
LEAST_RUNS = 5
TARGET_SECONDS = 20.0
#: … and this many when a single build takes longer than LONG_BUILD_SECONDS.
LONG_BUILD_RUNS = 3
LONG_BUILD_SECONDS = 10.0
#: A warm-up that takes this long counts as one of the builds with the ignore file, if no more than this part
#: of it went into what later builds take from the cache.
LONG_WARM_UP_SECONDS = 60.0
NEGLIGIBLE = 0.01


@dataclass(slots=True)
class Builds:
    """The builds of one variant, filled as they end.

    ``image_id`` is the image of the first one, which is read, and ``sent`` what that one was sent.
    ``warm_up`` is the first build of all, if it was of this variant: in it every step ran.
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
    warm_up: BuildResult | None = None

    @property
    def times(self) -> list[float]:
        """The seconds of each run."""
        return [run.seconds for run in self.runs]

    @property
    def found_no_room(self) -> bool:
        """Whether a full disk of the engine ended them."""
        failure = self.failure
        return isinstance(failure, BuildFailed) and full_disk_hint(failure.message, *failure.log) is not None


def alternation(runs: int, first: str = WITH) -> list[str]:
    """The order of ``runs`` builds of each variant: with, without, without, with, with, …, so that a
    drift of the machine's speed affects both alike."""
    pair = [first, WITHOUT if first == WITH else WITH]
    return [name for number in range(runs) for name in (pair if number % 2 == 0 else pair[::-1])]


def build_variants(bench: Bench, builds: dict[str, Builds], *, repeat: int | None) -> None:
    """Build each variant ``repeat`` times (None: as often as builds that long allow) in alternation.

    ``builds`` is filled as builds end, so that its owner has what was measured when this is interrupted.
    A first build of ``with`` warms up: it makes what the variants share, and its time counts only when
    nothing else is known, or when it is long and there was next to nothing to make. A variant that fails is
    not tried again; the other one is still built once, so that its figures are not lost. The time limit never
    keeps a variant from its first timed build, and allows another one only if even one as long as the longest
    would end in time.
    """
    variants = {name: bench.subject.variant(name) for name in (WITH, WITHOUT)}
    builds.update({name: Builds() for name in variants})
    _foretell(bench, repeat)
    warm_up = builds[WITH].warm_up = _build(bench, variants[WITH], builds[WITH], "warm-up build")
    planned = repeat or MOST_RUNS
    done = 0
    if warm_up is not None and _is_one_of_many(bench, warm_up):
        builds[WITH].runs.append(warm_up)
        done = 1
    order = alternation(planned, WITHOUT if warm_up is not None and warm_up.undecided else WITH)
    if warm_up is not None:
        each = warm_up.seconds - _made_once(bench, warm_up)
        likely = repeat or _affordable(each, each)
        takes = {WITH: each, WITHOUT: each}
        _tell(bench, order[done : 2 * likely], order[done:2], takes, " if all take as long as the first")
    for name in order[done:]:
        other = builds[WITHOUT if name == WITH else WITH]
        if builds[name].failure or (other.failure and builds[name].runs):
            continue
        if done == 2 and repeat is None:
            planned = _affordable(*(seconds for each in builds.values() for seconds in each.times))
        if done >= 2 * planned:
            break
        if done >= 2 and not bench.limit.allows(_longest(builds)):
            _cut_short(builds)
            break
        to_go = order[done : 2 * planned]
        if done == 2:
            _tell(bench, to_go, (), _medians(builds), " to go")
        title = f"build {done + 1} of {2 * planned} ({name} the ignore file)"
        left = _left(builds, planned) if done >= 2 else None
        result = _build(bench, variants[name], builds[name], title, left)
        if result is not None:
            builds[name].runs.append(result)
        done += 1
    if warm_up is not None and not builds[WITH].runs:
        builds[WITH].runs.append(warm_up)
    _remember(bench, builds)
    failure = builds[WITH].failure
    if isinstance(failure, BuildFailed) and builds[WITHOUT].failure is None:
        bench.subject.blame_rule(failure)
    if bench.builder.name != "classic" and any(each.found_no_room for each in builds.values()):
        # To give out the image that did fit, the engine needs the room which the failed build took. The
        # classic builder keeps nothing of a step that failed.
        bench.builder.forget()


def build_once(bench: Bench, builds: dict[str, Builds]) -> None:
    """Build each variant once, for what it is and not for how long it takes. ``builds`` is filled as by
    ``build_variants``."""
    builds.update({name: Builds() for name in (WITH, WITHOUT)})
    for name in (WITH, WITHOUT):
        title = f"build ({name} the ignore file)"
        result = _build(bench, bench.subject.variant(name), builds[name], title)
        if result is not None:
            builds[name].runs.append(result)
    failure = builds[WITH].failure
    if isinstance(failure, BuildFailed) and builds[WITHOUT].failure is None:
        bench.subject.blame_rule(failure)


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


def _affordable(*times: float) -> int:
    """How often to build each variant, from how long their first builds took."""
    if max(times, default=0.0) > LONG_BUILD_SECONDS:
        return LONG_BUILD_RUNS
    return min(max(int(TARGET_SECONDS / max(sum(times), 0.001)), LEAST_RUNS), MOST_RUNS)


def _made_once(bench: Bench, build: BuildResult) -> float:
    """The seconds in which a build waited for what later ones take from the run's cache."""
    plan = bench.subject.plan
    return sum(
        step.critical for step in build.steps if step.line is not None and not plan.is_affected(step.line)
    )


def _is_one_of_many(bench: Bench, warm_up: BuildResult) -> bool:
    """Whether a warm-up is so long, and made so little that later builds need not, that its time counts."""
    if warm_up.undecided or warm_up.seconds < LONG_WARM_UP_SECONDS:
        return False
    return _made_once(bench, warm_up) <= NEGLIGIBLE * warm_up.seconds


def _foretell(bench: Bench, repeat: int | None) -> None:
    """Say how long it will take, if it takes as long as the last time."""
    seconds = last_time(bench.subject.key)
    first = ["warm-up"] if seconds.get("warm-up") else []
    order = alternation(repeat or _affordable(seconds.get(WITH, 0.0), seconds.get(WITHOUT, 0.0)))
    _tell(bench, [*first, *order], [*first, *order[:2]], seconds, " as last time")


def _tell(
    bench: Bench, planned: Sequence[str], shorter: Sequence[str], seconds: Mapping[str, float], why: str
) -> None:
    if text := foretold(planned, shorter, seconds, why):
        bench.progress.note(text)


def _remember(bench: Bench, builds: Mapping[str, Builds]) -> None:
    """Keep how long builds take that take long, to say so at the start the next time."""
    warm_up, medians = builds[WITH].warm_up, _medians(builds)
    if warm_up is None or len(medians) < 2 or _longest(builds) <= LONG_BUILD_SECONDS:
        return
    counted = any(run is warm_up for run in builds[WITH].runs)
    remember(bench.subject.key, {"warm-up": 0.0 if counted else warm_up.seconds, **medians})


def _medians(builds: Mapping[str, Builds]) -> dict[str, float]:
    return {name: statistics.median(each.times) for name, each in builds.items() if each.runs}


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
