"""What a command's end in both images says of the ignore file."""

from __future__ import annotations

import pytest

from ctxsize.engine.containers import Verification
from ctxsize.measure.verify import verify_failure

PASSED = Verification("run", 0, 0.5, (), timed_out=False)
FAILED = Verification("run", 7, 0.5, ("last words",), timed_out=False)
STOPPED = Verification("run", None, 60.0, ("waiting",), timed_out=True)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({}, None),
        ({"with": PASSED, "without": PASSED}, None),
        ({"with": PASSED, "without": FAILED}, None),
        ({"without": FAILED}, None),
        (
            {"with": FAILED, "without": PASSED},
            "`run` ended with exit code 7 (it passes without the ignore file: does a rule ignore something"
            " that is needed at run time?)",
        ),
        (
            {"with": STOPPED, "without": FAILED},
            "`run` was stopped after 60.0 s (it fails without the ignore file, too: is the command right?)",
        ),
        ({"with": FAILED}, "`run` ended with exit code 7"),
    ],
)
def test_only_the_image_that_is_built_with_the_ignore_file_has_to_work(
    found: dict[str, Verification], message: str | None
) -> None:
    failure = verify_failure(found)
    assert (None if failure is None else str(failure)) == message
    if failure is not None:
        assert failure.exit_code == 1
        assert failure.log == found["with"].output_tail
