"""What was found survives an interruption, and which failure counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ctxsize.comparison.found import Found
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.containers import Verification
from ctxsize.errors import BuildFailed, EngineError, Interrupted, UsageError
from ctxsize.measure.builds import Builds

BUILT = BuildResult("image", 1.0, (), 0)
BROKEN = Verification("run", 7, 0.5, (), timed_out=False)


def run() -> Any:
    return SimpleNamespace(winding_down=False)


@pytest.mark.parametrize(
    ("error", "kind", "winding_down"),
    [
        (KeyboardInterrupt(), Interrupted, True),
        (EngineError("gone"), EngineError, True),
        (UsageError("no room"), UsageError, False),
    ],
)
def test_trouble_after_a_build_is_a_failure_beside_what_was_found(
    error: BaseException, kind: type[Exception], winding_down: bool
) -> None:
    first = BuildFailed("no")
    found = Found({"with": Builds("image", [BUILT]), "without": Builds(failure=first)})
    this_run = run()
    with found.reported_all_the_same(this_run):
        raise error

    assert found.builds["with"].runs == [BUILT]
    assert isinstance(found.failures["with"], kind)
    assert found.failures["without"] is first, "why it failed first"
    assert this_run.winding_down is winding_down


def test_trouble_before_any_build_is_raised() -> None:
    found = Found({"with": Builds(), "without": Builds()})
    with pytest.raises(UsageError), found.reported_all_the_same(run()):
        raise UsageError("no such file")


def test_an_engine_that_goes_away_after_the_variants_were_measured_is_no_failure_of_theirs() -> None:
    found = Found({"with": Builds("image", [BUILT]), "without": Builds("image", [BUILT])})
    with found.complete_without():
        raise EngineError("gone")

    assert [each.failure for each in found.builds.values()] == [None, None]
    assert {name: str(failure) for name, failure in found.failures.items()} == {"with": "gone"}


def test_the_gravest_failure_of_a_variant_counts() -> None:
    found = Found({"with": Builds(), "without": Builds()}, verified={"with": BROKEN})
    assert found.failures["with"].exit_code == 1
    found.lost = EngineError("gone")
    assert found.failures["with"].exit_code == 4
    found.builds["with"].failure = BuildFailed("no")
    assert found.failures["with"].exit_code == 3
