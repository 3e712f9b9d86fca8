"""Which steps a build waited for, where some ran at the same time.

BuildKit runs stages in parallel, so the seconds of its steps do not add up to those of the build. The
critical path does: from the end of the build backwards, at each moment the step that the next one on the
path was waiting for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Clocks are read to the microsecond, one after the other: a step may seem to start before what it
#: waited for has ended.
_SLACK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Span:
    """One time that the step ``key`` ran, in seconds by one clock."""

    key: str
    start: float
    end: float


def critical_seconds(spans: Iterable[Span], inputs: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """For each step the seconds of it that are on the critical path.

    ``inputs`` are the steps whose results a step needs. A step without any that ran (the export, or the
    engine's own) waited for whatever ended last before it. Time in which nothing on the path ran belongs
    to no step: the sum may be less than the build took, and is never more.
    """
    remaining = sorted((span for span in spans if span.end > span.start), key=lambda span: span.end)
    of_step: dict[str, list[Span]] = defaultdict(list)
    for span in remaining:
        of_step[span.key].append(span)
    seconds: dict[str, float] = defaultdict(float)
    current = remaining[-1] if remaining else None
    moment = current.end if current is not None else 0.0
    while current is not None:
        seconds[current.key] += max(min(current.end, moment) - current.start, 0.0)
        moment = min(moment, current.start)
        needed = [span for key in (current.key, *inputs.get(current.key, ())) for span in of_step[key]]
        current = _last(needed, current) or _last(remaining, current)
    return dict(seconds)


def _last(spans: Iterable[Span], before: Span) -> Span | None:
    """The span that ended last before ``before`` began."""
    earlier = (
        span for span in spans if span.start < before.start and span.end <= before.start + _SLACK_SECONDS
    )
    return max(earlier, key=lambda span: span.end, default=None)
