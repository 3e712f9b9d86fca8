"""Bounds on time that mean the same on a slow or busy machine: a piece of known work is timed beside."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable

from ctxsize.__main__ import GC_THRESHOLDS

#: What the known work takes, in CPU seconds, on the quiet two-core machine that the bounds were set on.
_KNOWN_SECONDS = 0.05
_TRIES = 4


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether the work takes less than so many CPU seconds of the machine that the bounds were set on: a
    slower one, or one whose cores others use, has more in proportion to what the known work takes there."""
    known = 0.0
    for _ in range(_TRIES):
        took = cpu_seconds(work)
        if took < seconds:
            return True
        known, before = cpu_seconds(_known_work), known
        if took < seconds * max(known, before) / _KNOWN_SECONDS:
            return True
    return False


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of the work, in seconds, with the garbage collector set as in the program.

    What is there before stays out of it: to look through all that a run of tests has loaded takes longer than
    most work that is timed.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()  # what is garbage by then may hold files and connections


def _known_work() -> None:
    """What readers of text do: to split, to match, to keep."""
    text = "\n".join(f"name{number % 5000}/*.txt" for number in range(120_000))
    expression = re.compile(r"(?:[a-z0-9.*]+/?)+")
    kept: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if expression.fullmatch(line):
            kept.setdefault(line, []).append(line)
