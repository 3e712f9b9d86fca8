"""What a comparison has found so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.seconds import DividedSeconds
from ctxsize.context.errors import ContextError
from ctxsize.engine.containers import Verification
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.footprint.run import Run
from ctxsize.errors import CtxsizeError, EngineError, Interrupted
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import WITH, ImageFigures
from ctxsize.measure.verify import verify_failure
from ctxsize.rebuild.types import RebuildMeasurement
from ctxsize.warning import Warning


@dataclass(slots=True)
class Found:
    """Filled step by step, so that an interruption loses nothing of what was measured before it.

    ``builds``, ``images`` and ``verified`` are by variant. ``bytes`` and ``seconds`` are None when they could
    not be attributed to paths; ``rebuilds`` when none were asked for. Unless ``timed``, how long builds took
    says nothing. ``lost``: the engine went away after
    the variants themselves were measured.
    """

    builds: dict[str, Builds] = field(default_factory=dict)
    images: dict[str, ImageFigures] = field(default_factory=dict)
    bytes: ImageSavings | None = None
    seconds: DividedSeconds | None = None
    verified: dict[str, Verification] = field(default_factory=dict)
    rebuilds: RebuildMeasurement | None = None
    lost: EngineError | None = None
    timed: bool = True
    warnings: list[Warning] = field(default_factory=list)

    @contextmanager
    def reported_all_the_same(self, run: Run) -> Iterator[None]:
        """Once a build has ended, trouble after it is an error in the result, beside what was measured:
        the engine goes away, a file changes, somebody presses Ctrl-C."""
        try:
            with engine_trouble():
                yield
        except (CtxsizeError, KeyboardInterrupt) as error:
            if not any(each.runs or each.image_id for each in self.builds.values()):
                raise
            failure = error if isinstance(error, CtxsizeError) else Interrupted("interrupted")
            for each in self.builds.values():
                each.failure = each.failure or failure
        run.winding_down = any(
            isinstance(each.failure, EngineError | Interrupted | ContextError)
            for each in self.builds.values()
        )

    @contextmanager
    def complete_without(self) -> Iterator[None]:
        """For what is measured beside the variants: they are no failures when the engine goes away here."""
        try:
            yield
        except EngineError as error:
            self.lost = error

    @property
    def changed(self) -> dict[str, None]:
        """The paths that builds found changed since the survey, in the order they were sent."""
        return {path: None for each in self.builds.values() for path in each.changed}

    @property
    def failures(self) -> dict[str, CtxsizeError]:
        """By variant: why it could not be built or measured, or does not work."""
        beside: list[CtxsizeError | None] = [verify_failure(self.verified), self.lost]
        if self.rebuilds is not None:
            beside += [failure for _, failure in self.rebuilds.failures if isinstance(failure, EngineError)]
        # The later ones count more: why the variant itself failed, else that the engine went away.
        all_ = [*((WITH, each) for each in beside), *((name, b.failure) for name, b in self.builds.items())]
        return {name: failure for name, failure in all_ if failure is not None}
