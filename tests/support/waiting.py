"""Waiting for what comes sooner or later: on a busy machine later, and no test fails for that."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

#: What has not come after so many seconds is taken for what never comes. tests/faults/naive.py has less: it
#: waits for what never does.
GIVE_UP_SECONDS = int(os.environ.get("CTXSIZE_TESTS_GIVE_UP", "300"))


class Hang(BaseException):
    """What was waited for never came. Nothing that the code under test catches."""


@contextlib.contextmanager
def must_end(seconds: int = GIVE_UP_SECONDS) -> Iterator[None]:
    """Fail when it takes longer: a hang must not hang the tests. In the main thread alone."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise Hang(f"still there after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def wait_until(what: str, condition: Callable[[], bool]) -> None:
    """Wait until ``condition()`` is true. Raises AssertionError when it never is, or its own last one."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        try:
            if condition():
                return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, f"{what}: not within {GIVE_UP_SECONDS} s"
        time.sleep(0.05)
