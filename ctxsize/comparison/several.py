"""Several projects compared: one after the other, or at the same time and then without times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from ctxsize.comparison.compare import compare
from ctxsize.comparison.types import Measurement
from ctxsize.engine.builders.find import tells_apart
from ctxsize.errors import CtxsizeError, UsageError
from ctxsize.processes.pool import Pool
from ctxsize.progress import Progress, Silent

#: What only a build that runs alone can tell.
_TIMES = ("repeat", "exact", "max_time", "cache_cost")


def compare_several(
    projects: Sequence[tuple[str, Mapping[str, Any]]], *, jobs: int = 1, progress: Progress | None = None
) -> tuple[Measurement | CtxsizeError, ...]:
    """Compare several projects: each a path and what else :func:`compare` takes, but for ``progress``. What
    it raises stands in the place of its result.

    With several ``jobs`` so many are compared at the same time, on all nodes of a builder that has several;
    on an engine before Docker Engine 23 still one after the other. Then no build is timed: options that ask
    for times are a UsageError.
    """
    progress = progress or Silent()
    if jobs == 1 or len(projects) == 1:
        return tuple(_compared(project, {"progress": progress}) for project in projects)
    asked = [name for name in _TIMES for _, options in projects if options.get(name)]
    if asked:
        flag = asked[0].replace("_", "-")
        raise UsageError(
            f"--{flag} times builds, and with --jobs others run at the same time",
            hint="leave one of them out",
        )
    names = [path for path, _ in projects]
    apart = all(map(tells_apart, {options.get("builder", "auto") for _, options in projects}))
    size = min(jobs, len(projects)) if apart else 1
    with Pool("ctxsize.comparison.several:comparing", None, size, progress) as pool:
        return tuple(pool.map(projects, names, lambda _, error: error))


def comparing(
    _: None, progress: Progress, turn: int
) -> AbstractContextManager[Callable[[tuple[str, Mapping[str, Any]]], Measurement | CtxsizeError]]:
    """The work of a process: compare without times."""
    return nullcontext(partial(_compared, more={"timed": False, "turn": turn, "progress": progress}))


def _compared(project: tuple[str, Mapping[str, Any]], more: Mapping[str, Any]) -> Measurement | CtxsizeError:
    path, options = project
    try:
        return compare(path, **options, **more)
    except CtxsizeError as error:
        return error
