"""The engine is killed, frozen, restarted, or full."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ctxsize.api import compare as measure
from ctxsize.engine import connect, tarbuild
from ctxsize.engine.buildkit import session
from ctxsize.errors import EngineError
from ctxsize.progress import Silent
from tests.faults.conftest import Compare, OwnEngine

pytestmark = pytest.mark.docker


class When(Silent):
    """Does something once: when so many bytes were sent in the build that is the ``nth`` to be announced."""

    def __init__(self, do: Callable[[], None], *, nth: int = 1, sent: int | None = None) -> None:
        self._do: Callable[[], None] | None = do
        self._nth = nth
        self._sent = sent
        self._builds = 0

    def phase(self, name: str) -> None:
        self._builds += "build" in name
        if self._sent is None:
            self._now()

    def sent(self, size: int) -> None:
        if self._sent is not None and size >= self._sent:
            self._now()

    def _now(self) -> None:
        if self._builds >= self._nth and self._do is not None:
            do, self._do = self._do, None
            do()


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_engine_is_killed_in_mid_send(own_engine: OwnEngine, project: Path, builder: str) -> None:
    found = measure(project, builder=builder, repeat=1, progress=When(own_engine.kill, sent=1 << 20))

    assert [type(failure) for failure in found.failures.values()] == [EngineError, EngineError]


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_engine_is_killed_between_the_builds_and_what_was_measured_is_reported(
    own_engine: OwnEngine, project: Path, builder: str
) -> None:
    found = measure(project, builder=builder, repeat=1, progress=When(own_engine.kill, nth=3))

    assert isinstance(found.failures["without"], EngineError)
    assert found.comparison.variants["with"].build is not None


def test_an_engine_that_was_restarted_is_used_again_and_rid_of_what_it_kept(
    own_engine: OwnEngine, project: Path, compare: Compare
) -> None:
    def restart() -> None:
        own_engine.kill()
        own_engine.start()

    found = measure(project, builder="buildkit", repeat=1, progress=When(restart, sent=1 << 20))

    assert isinstance(found.failures["with"], EngineError)
    assert compare("--builder", "buildkit").code == 0


def test_an_engine_that_freezes_is_given_up(
    own_engine: OwnEngine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "ANSWER_SECONDS", 2)
    monkeypatch.setattr(session, "SILENCE_TIMEOUT", 2.0)
    monkeypatch.setattr(tarbuild, "SILENCE_SECONDS", 2.0)
    monkeypatch.setattr(tarbuild, "PING_SECONDS", 0.5)
    threading.Timer(40, own_engine.thaw).start()
    started = time.monotonic()

    found = measure(project, builder="classic", repeat=1, progress=When(own_engine.freeze, sent=1 << 20))

    assert "nothing heard from the engine for" in str(found.failures["with"])
    assert time.monotonic() - started < 35
