"""Where measurements are made: one subject on one builder, within one run and one time limit."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ctxsize.context.errors import ContextError
from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import Builder, BuildResult
from ctxsize.engine.footprint.run import Run
from ctxsize.errors import BuildFailed
from ctxsize.measure.subject import Subject
from ctxsize.progress import Progress


class TimeLimit:
    """How long a measurement may take in all; None: as long as it needs."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def allows(self, seconds: float) -> bool:
        """Whether something that takes that long would still end in time."""
        return self._end is None or time.monotonic() + seconds <= self._end


@dataclass(frozen=True, slots=True)
class Bench:
    """``subject`` on ``builder``. ``run`` removes what the builds leave, ``limit`` bounds their time."""

    subject: Subject
    run: Run
    builder: Builder
    limit: TimeLimit
    progress: Progress

    def build(
        self,
        variant: Variant,
        title: str,
        *,
        rebuild: bool = False,
        size: int | None = None,
        left: float | None = None,
    ) -> BuildResult:
        """Build ``variant``; ``rebuild`` as in Builder.build. For the progress: it will be sent about
        ``size`` bytes, and all builds will have ended in about ``left`` seconds, where that is known.

        Raises BuildFailed or EngineError.
        """
        self.progress.phase(title)
        self.progress.expect(size=size, seconds=left)
        try:
            return self.builder.build(variant, progress=self.progress, rebuild=rebuild)
        except ContextError as error:
            if not variant.without or not self.subject.found.unread:
                raise
            raise BuildFailed(
                error.message, where=error.where, hint="this is what the ignore file saves you from"
            ) from error
