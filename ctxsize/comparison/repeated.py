"""Which steps really ran in every timed build, and which ran once and came from the run's cache since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import WITH
from ctxsize.units import format_seconds
from ctxsize.warning import Warning

#: What took less to make is not worth a note.
_WORTH_TELLING = 5.0
#: A step that is shorter makes no build longer than another.
_SHORT = 1.0


def measured_lines(runs: Sequence[BuildResult]) -> tuple[int, ...]:
    """The lines of the steps that really ran in each of these builds."""
    return tuple(sorted(set.intersection(*map(_lines, runs)))) if runs else ()


def reused_steps(runs: Sequence[BuildResult], builds: Mapping[str, Builds]) -> tuple[Step, ...]:
    """The steps that ran in the warm-up of all ``builds`` and in no other of ``runs``, as the warm-up ran
    them."""
    warm_up = builds[WITH].warm_up if WITH in builds else None
    others = [run for run in runs if run is not warm_up]
    if warm_up is None or not others:
        return ()
    once = _lines(warm_up) - set().union(*map(_lines, others))
    return tuple(step for step in warm_up.steps if step.ran and step.line in once)


def reuse_warnings(builds: Mapping[str, Builds]) -> Iterator[Warning]:
    """What build times leave out, and what those of some builds leave out though it should be in all."""
    runs = [run for each in builds.values() for run in each.runs]
    if not all(each.runs for each in builds.values()):
        return
    once = reused_steps(runs, builds)
    if (seconds := sum(step.critical for step in once)) >= _WORTH_TELLING:
        yield Warning(
            "reused-steps",
            "build times leave out the steps with the same input in both variants (lines"
            f" {_shown({step.line for step in once})} of the Dockerfile): they ran once, which took"
            f" {format_seconds(seconds)}; --no-cache times them, too",
        )
    for name, each in builds.items():
        later = [run for run in each.runs if run is not each.warm_up]
        uneven = set().union(*(_lines(run, _SHORT) for run in later)) - set(measured_lines(later))
        if uneven:
            yield Warning(
                "uneven-steps",
                f"not all builds {name} the ignore file ran the same steps: lines {_shown(uneven)} of the"
                " Dockerfile came from the run's cache in some, as what they are made from is not always the"
                " same; --no-cache times all",
            )


def _lines(build: BuildResult, least: float = 0.0) -> set[int]:
    """The lines of the steps that really ran, for ``least`` seconds."""
    return {step.line for step in build.steps if step.line is not None and step.ran and step.seconds >= least}


def _shown(lines: set[int] | set[int | None]) -> str:
    return ", ".join(str(line) for line in sorted(line for line in lines if line is not None))
