"""What a comparison measures beside the variants themselves, when it is asked for: whether the images work,
and what a change to each path costs in the next build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ctxsize.comparison.types import Comparison, Warning
from ctxsize.engine.builders.interface import Builder
from ctxsize.engine.containers import Verification, VerifyCommand
from ctxsize.engine.footprint.run import Run
from ctxsize.errors import EngineError, VerifyFailed
from ctxsize.measure.builds import WITH, WITHOUT, Measured, TimeLimit
from ctxsize.measure.subject import Subject
from ctxsize.measure.verify import verify_failure, verify_images, with_verifications
from ctxsize.progress import Progress
from ctxsize.rebuild.measure import measure_changes
from ctxsize.rebuild.types import CacheCost, with_rebuilds


@dataclass(frozen=True, slots=True)
class Extras:
    """What was measured beside. ``failures`` has, by variant, an image that does not work, or an engine that
    went away meanwhile: what was measured before that is all here."""

    verified: Mapping[str, Verification] = field(default_factory=dict)
    cost: CacheCost | None = None
    failures: Mapping[str, VerifyFailed | EngineError] = field(default_factory=dict)

    def add_to(self, comparison: Comparison) -> Comparison:
        """``comparison`` with all of it."""
        if self.verified:
            comparison = with_verifications(comparison, self.verified)
        if self.cost is not None:
            comparison = with_rebuilds(comparison, self.cost)
            warnings = (*comparison.warnings, *_rebuild_warnings(self.cost))
            comparison = replace(comparison, warnings=warnings)
        return comparison


def measure_extras(
    subject: Subject,
    run: Run,
    builder: Builder,
    measured: Mapping[str, Measured],
    *,
    check: VerifyCommand | None,
    cache_cost: int,
    limit: TimeLimit,
    progress: Progress,
) -> Extras:
    """Run ``check`` (None: nothing) in the images that were built, and rebuild after a change to each of the
    ``cache_cost`` largest ignored roots, as far as the ``limit`` allows."""
    verified: dict[str, Verification] = {}
    cost = None
    try:
        if check is not None:
            images = {name: each.image_id for name, each in measured.items() if each.image_id is not None}
            verified = verify_images(subject, run, images, check, progress)
        if cache_cost:
            measurement = measure_changes(
                subject,
                run,
                builder,
                top=cache_cost,
                repeat=None,
                limit=limit,
                progress=progress,
                eligible=False,
            )
            cost = measurement.cost
            for _, failure in measurement.failures:
                if isinstance(failure, EngineError):
                    raise failure
    except EngineError as error:
        return Extras(verified, cost, {WITH: error})
    broken = verify_failure(verified)
    return Extras(verified, cost, {} if broken is None else {WITH: broken})


def _rebuild_warnings(cost: CacheCost) -> Iterator[Warning]:
    for name, error in cost.errors.items():
        yield Warning("rebuild-failed", f"no rebuild was measured {name} the ignore file: {error}")
    for change in cost.ignored:
        if WITHOUT in change.errors:
            message = f"a change to it breaks the build: {change.errors[WITHOUT]}"
            yield Warning("rebuild-failed", message, where=change.path)
        elif change.changed is None:
            message = "a change to a link or a special file is not simulated"
            yield Warning("rebuild-not-simulated", message, where=change.path)
    yield from (warning for warning in cost.warnings if warning.code == "max-time")
    if cost.left_out:
        yield Warning(
            "rebuilds-not-measured",
            f"what a change costs was measured for the {len(cost.ignored)} largest paths:"
            " `ctxsize cache --top 0` measures all",
        )
