"""Steps that ran once, and what is said of them."""

from __future__ import annotations

from ctxsize.comparison.repeated import measured_lines, reuse_warnings, reused_steps
from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.measure.builds import Builds


def built(**seconds: float) -> BuildResult:
    """A build in which the steps of the lines ``l2``, ``l3`` … took these seconds; 0: from the cache."""
    steps = tuple(
        Step(f"RUN {line}", each, not each, "other", line=int(line[1:]), critical=each / 2)
        for line, each in seconds.items()
    )
    return BuildResult("image", 10.0, steps, 0)


WARM_UP = built(l2=8, l3=4, l4=6)
USUAL = built(l2=0, l3=4, l4=0)


def test_what_ran_in_the_warm_up_only_is_left_out_of_the_times_and_that_is_said() -> None:
    builds = {"with": Builds(runs=[USUAL] * 2, warm_up=WARM_UP), "without": Builds(runs=[USUAL] * 2)}

    assert measured_lines([USUAL] * 2) == (3,)
    assert reused_steps([USUAL] * 2, builds) == (WARM_UP.steps[0], WARM_UP.steps[2])
    (warning,) = reuse_warnings(builds)
    assert warning.code == "reused-steps"
    assert "(lines 2, 4 of the Dockerfile): they ran once, which took 7.00 s" in warning.message


def test_a_warm_up_that_counts_is_no_other_build() -> None:
    runs = [WARM_UP, USUAL, USUAL]
    builds = {"with": Builds(runs=runs, warm_up=WARM_UP), "without": Builds(runs=[USUAL] * 3)}

    assert [step.line for step in reused_steps(runs, builds)] == [2, 4]
    assert [warning.code for warning in reuse_warnings(builds)] == ["reused-steps"]
    assert reused_steps([WARM_UP], {"with": Builds(runs=[WARM_UP], warm_up=WARM_UP)}) == ()


def test_builds_of_one_variant_that_ran_different_steps_are_not_passed_over() -> None:
    runs = [USUAL, built(l2=0, l3=4, l4=6)]
    builds = {"with": Builds(runs=[USUAL] * 2, warm_up=WARM_UP), "without": Builds(runs=runs)}

    assert measured_lines(runs) == (3,)
    (uneven,) = reuse_warnings(builds)
    assert uneven.code == "uneven-steps"
    assert "not all builds without the ignore file ran the same steps: lines 4 of" in uneven.message
