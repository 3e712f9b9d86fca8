"""Building one variant again and again, each time after one more change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ctxsize.context.changes import Changes
from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.measure.bench import Bench
from ctxsize.measure.builds import LONG_BUILD_SECONDS
from ctxsize.rebuild.edits import Edit

#: Builds after each change unless the user says otherwise; one when a build takes longer than
#: LONG_BUILD_SECONDS.
DEFAULT_RUNS = 3


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The builds of one variant: after no change, and after each edit.

    ``changed`` has for each edit its builds, or the failure when the edit broke the build, or None when the
    edit can't be made. It is shorter than the edits when time ran out, or when ``lost`` says why the variant
    could not be built any more: it does not build at all, or the engine went away.
    """

    unchanged: list[BuildResult]
    changed: list[list[BuildResult] | BuildFailed | None]
    lost: BuildFailed | EngineError | None = None


def rebuild_variant(
    bench: Bench, variant: Variant, edits: Sequence[Edit | None], *, repeat: int | None
) -> Rebuilt:
    """Build ``variant``, then again after no change, then after each edit, ``repeat`` times each.

    Every change comes on top of those before it, as somebody's work does, so that each build differs from
    the one before in that change alone. The builds before the first edit are made whatever the time limit,
    but only once when it has passed. Raises BuildFailed when the variant does not build at all, and
    EngineError when the engine goes away before the first edit.
    """
    work = _Work(bench, variant)
    suffix = f"({variant.name} the ignore file)"
    work.build(Changes(), f"build to start from {suffix}")
    unchanged = work.several(repeat, lambda: work.build(Changes(), f"rebuild after no change {suffix}"))
    changed: list[list[BuildResult] | BuildFailed | None] = []
    for edit in edits:
        if edit is None:
            changed.append(None)
            continue
        if not work.time_for_another:
            break
        title = f"rebuild after a change to {edit.path} {suffix}"
        try:
            changed.append(work.several(repeat, lambda: work.build(edit.next(), title)))  # noqa: B023
        except BuildFailed as failure:
            changed.append(failure)
        except EngineError as error:
            return Rebuilt(unchanged, changed, error)
    return Rebuilt(unchanged, changed)


class _Work:
    """The state of the tree as somebody changes it, and the image last built of it."""

    def __init__(self, bench: Bench, variant: Variant) -> None:
        self._bench = bench
        self._variant = variant
        self._longest = 0.0
        self._image: str | None = None

    @property
    def time_for_another(self) -> bool:
        """Whether a build as long as the longest would end in time."""
        return self._bench.limit.allows(self._longest)

    def build(self, change: Changes, title: str) -> BuildResult:
        """Build after one more change, which stays unless the build fails."""
        variant = replace(self._variant, changes=self._variant.changes.then(change))
        result = self._bench.build(variant, title, rebuild=True)
        self._variant = variant
        # A build that changed nothing gives the same image again, as may one of the other variant. The cache
        # needs none of those before.
        self._bench.run.images.hold(result.image_id)
        if self._image is not None:
            self._bench.run.images.release(self._image)
        self._image = result.image_id
        self._longest = max(self._longest, result.seconds)
        return result

    def several(self, repeat: int | None, build: Callable[[], BuildResult]) -> list[BuildResult]:
        """``repeat`` builds, or as many as builds that long allow."""
        results: list[BuildResult] = []
        for _ in range(repeat or DEFAULT_RUNS):
            results.append(build())
            long = repeat is None and results[-1].seconds > LONG_BUILD_SECONDS
            if long or not self.time_for_another:
                break
        return results
