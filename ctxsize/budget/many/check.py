"""Targets of a check measured at the same time, each in a process of its own.

A build that is timed never runs beside others: targets with a limit on build time are measured when all
others are over, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from typing import NamedTuple

from ctxsize.budget.baseline import Baseline
from ctxsize.budget.config import Target
from ctxsize.budget.options import CheckOptions
from ctxsize.budget.targets import TargetChecker
from ctxsize.budget.types import TargetReport
from ctxsize.errors import CtxsizeError
from ctxsize.measure.target import MeasuredTarget
from ctxsize.processes.pool import Pool
from ctxsize.progress import Progress
from ctxsize.warning import Warning


class Question(NamedTuple):
    """What each process has to know besides its targets; see TargetChecker."""

    options: CheckOptions
    baseline: Baseline | None
    alone: bool


class Checking(TargetChecker):
    """A TargetChecker as a worker: entered, it gives the function that measures a target."""

    def __init__(self, question: Question, progress: Progress, turn: int) -> None:
        super().__init__(*question, progress, None, turn=turn)

    def __enter__(self):  # type: ignore[no-untyped-def]  # what a worker works with, not the checker
        return self.target


class TogetherChecker:
    """Measures several targets at the same time, ``options.jobs`` at most; else as TargetChecker."""

    def __init__(
        self, options: CheckOptions, baseline: Baseline | None, alone: bool, progress: Progress
    ) -> None:
        self._question = Question(options, baseline, alone)
        self._progress = progress
        self._open = ExitStack()
        self._checker: TargetChecker | None = None
        self._pool: Pool | None = None

    def __enter__(self) -> TogetherChecker:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    @property
    def left(self) -> list[Warning]:
        """What could not be removed, of those that have ended."""
        parts = (self._pool, self._checker)
        return [warning for part in parts if part is not None for warning in part.left]

    def all(self, targets: Sequence[Target]) -> list[tuple[TargetReport, bool]]:
        """The reports of the targets, in their order; see TargetChecker.target."""
        options = self._question.options
        alone = _alone(targets, options)
        others = [number for number in range(len(targets)) if number not in alone]
        found: dict[int, tuple[TargetReport, bool]] = {}
        if others:
            size = min(options.jobs, len(others))
            pool = Pool("ctxsize.budget.many.check:Checking", self._question, size, self._progress)
            self._pool = pool
            with ExitStack() as ending:
                ending.enter_context(pool)
                chosen = [targets[number] for number in others]
                names = [_shown(target) for target in chosen]
                found.update(zip(others, pool.map(chosen, names, _lost), strict=True))
                if not alone:
                    self._open = ending.pop_all()  # the report comes before they clean up
        if alone:
            self._checker = self._open.enter_context(TargetChecker(*self._question, self._progress, None))
            found.update({number: self._checker.target(targets[number]) for number in alone})
        return [found[number] for number in range(len(targets))]


def _alone(targets: Sequence[Target], options: CheckOptions) -> list[int]:
    """The numbers of the targets beside which nothing may be built: those that are timed, and those of a
    builder that would mix up what is whose."""
    from ctxsize.engine.builders.find import tells_apart

    if options.static:
        return []
    apart = cache(tells_apart)
    found = []
    for number, target in enumerate(targets):
        kinds = [limit.kind for limit in target.budget.set_limits()]
        timed = any(kind.of == "build-time" for kind in kinds)
        if timed or (any(kind.engine for kind in kinds) and not apart(target.builder)):
            found.append(number)
    return found


def _shown(target: Target) -> str:
    return target.name if target.mask is None else target.mask(target.name)


def _lost(target: Target, error: CtxsizeError) -> tuple[TargetReport, bool]:
    """The report of a target whose process ended before it was measured."""
    mask = target.mask or str
    report = TargetReport(
        name=mask(target.name),
        path=mask(target.path),
        dockerfile=None,
        ignore_file=None,
        sizes=MeasuredTarget(),
        error=mask(str(error)),
        exit_code=error.exit_code,
    )
    return report, False
