"""Input that is nested without end: an error that can be caught, and not a word from Python itself."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator

import pytest

from ctxsize.files.nested import TooDeep, nested_input

HOPELESS = "[" * 100_000


class Finalized:
    """Waits in a cycle for the garbage collector; the next one is made as it goes."""

    more = True

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        if Finalized.more:
            Finalized()


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """The garbage collector runs at nearly every allocation."""
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    yield
    gc.set_threshold(*thresholds)


def test_it_is_an_error_of_values_like_other_nonsense() -> None:
    with pytest.raises(TooDeep, match="nested too deeply"), nested_input():
        json.loads(HOPELESS)
    with pytest.raises(ValueError), nested_input():
        json.loads("x")
    assert gc.isenabled()


@pytest.mark.usefixtures("eager_collector")
def test_no_finalizer_fails_where_the_stack_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)  # a function of Python's would need stack, too

    monkeypatch.setattr(Finalized, "more", True)
    Finalized()

    with pytest.raises(TooDeep), nested_input():
        json.loads(HOPELESS)

    monkeypatch.setattr(Finalized, "more", False)
    assert not failed


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with nested_input():
            json.loads("[]")
        assert not gc.isenabled()
    finally:
        gc.enable()
