"""Building both variants, in an order that is fair to both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ctxsize.context.variant import Variant
from ctxsize.engine.build import Builder, BuildResult
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.progress import Progress

WITH, WITHOUT = "with", "without"

#: Runs of each variant unless the user says otherwise; docs/how-it-measures.md says why.
DEFAULT_RUNS = 5
#: Runs of each variant when a single build takes longer than LONG_BUILD_SECONDS.
LONG_BUILD_RUNS = 3
LONG_BUILD_SECONDS = 10.0


@dataclass(slots=True)
class Measured:
    """What the builds of one variant gave.

    ``image_id`` is the image of its first build, the one that is read. ``runs`` are the builds whose
    time counts. ``failure`` is the error that ended the measurement of this variant.
    """

    image_id: str | None = None
    runs: list[BuildResult] = field(default_factory=list)
    failure: BuildFailed | EngineError | None = None


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
) -> dict[str, Measured]:
    """Build each variant ``repeat`` times (None: as often as builds that long allow) in alternation.

    A first build of ``with`` warms up: it makes what the variants share, and its time counts only when
    nothing else is known. A variant that fails is not tried again; the other is still built once, so
    that its numbers are not lost.
    """
    measured = {name: Measured() for name in variants}
    warm_up = _build(variants[WITH], measured[WITH], builder, progress, "warm-up build", remove_image)
    planned = repeat or DEFAULT_RUNS
    done = 0
    for name in alternation(planned):
        other = measured[WITHOUT if name == WITH else WITH]
        if measured[name].failure or (other.failure and measured[name].runs):
            continue
        if repeat is None and done >= 2 * LONG_BUILD_RUNS and _longest(measured) > LONG_BUILD_SECONDS:
            break
        title = f"build {done + 1} of {2 * planned} ({name} the ignore file)"
        result = _build(variants[name], measured[name], builder, progress, title, remove_image)
        if result is not None:
            measured[name].runs.append(result)
        done += 1
    if warm_up is not None and not measured[WITH].runs:
        measured[WITH].runs.append(warm_up)
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
