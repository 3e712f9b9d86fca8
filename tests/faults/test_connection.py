"""A proxy between us and the engine cuts, truncates, garbles, delays and swallows answers, at every stage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ctxsize.engine import connect, tarbuild
from ctxsize.engine.buildkit import ConnectionLost, session, solve
from tests.faults.conftest import LIMIT, Compare
from tests.support.proxy import Fault, Proxy

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("nothing_left")]

VERSION = r"GET (/v[\d.]+)?/version"
LIST = r"GET .*/images/json"
SESSION = r"POST .*/session"
BUILD = r"POST .*/build\?"
RECORDS = r"GET .*/system/df"
IMAGE = r"GET .*/images/[^/]+/json"
SAVE = r"GET .*/images/get"
REMOVE = r"DELETE .*/images/"

#: (builder, stage, the how manieth of them is harmed, kind, after so many bytes, variants measured). The
#: first of each stage is part of every run of the suite, the others are slow.
CASES = [
    ("buildkit", VERSION, 1, "cut", 0, ""),
    ("buildkit", VERSION, 1, "truncate", 200, ""),
    ("buildkit", VERSION, 1, "corrupt", 0, ""),
    ("buildkit", LIST, 1, "cut", 0, ""),
    ("buildkit", LIST, 1, "truncate", 100, ""),
    ("buildkit", RECORDS, 1, "cut", 300, ""),
    ("buildkit", RECORDS, 1, "corrupt", 0, ""),
    ("buildkit", SESSION, 2, "cut", 0, ""),
    ("buildkit", BUILD, 1, "cut", 0, ""),
    ("buildkit", BUILD, 1, "truncate", 200, ""),
    ("buildkit", BUILD, 1, "corrupt", 600, ""),
    ("buildkit", BUILD, 2, "cut", 300, "with"),
    ("buildkit", BUILD, 3, "cut", 300, "with"),
    ("buildkit", IMAGE, 1, "corrupt", 0, "with"),
    ("buildkit", REMOVE, 1, "cut", 0, "with"),
    ("buildkit", SAVE, 1, "cut", 0, "with without"),
    ("buildkit", SAVE, 1, "corrupt", 600, "with without"),
    ("buildkit", SAVE, 1, "cut", 5000, "with without"),
    ("buildkit-upload", BUILD, 1, "cut", 0, ""),
    ("buildkit-upload", BUILD, 1, "corrupt", 600, ""),
    ("buildkit-upload", BUILD, 3, "cut", 300, "with"),
    ("classic", BUILD, 1, "cut", 0, ""),
    ("classic", BUILD, 1, "cut", 120, ""),
    ("classic", BUILD, 1, "corrupt", 0, ""),
    ("classic", BUILD, 3, "cut", 120, "with"),
    ("classic", IMAGE, 1, "corrupt", 0, ""),
    ("classic", SAVE, 1, "truncate", 5000, "with without"),
]


@pytest.mark.parametrize(
    ("builder", "stage", "nth", "kind", "after", "measured"),
    [
        pytest.param(
            *case,
            id="-".join(map(str, case[:5])),
            marks=[pytest.mark.slow] if any(case[:2] == other[:2] for other in CASES[:number]) else [],
        )
        for number, case in enumerate(CASES)
    ],
)
def test_an_answer_that_breaks_off_or_is_garbled(
    compare: Compare,
    proxied: Callable[[Fault], Proxy],
    builder: str,
    stage: str,
    nth: int,
    kind: str,
    after: int,
    measured: str,
) -> None:
    proxy = proxied(Fault(stage, kind, after, nth=nth))

    outcome = compare("--builder", builder)

    assert proxy.struck, proxy.stages
    assert outcome.code == 4
    assert 1 <= len(outcome.lines) <= 2, "one line for each variant that it befell"
    assert all("error" in line and len(line) < 300 for line in outcome.lines), outcome.lines
    for variant in measured.split():
        assert outcome.measured(variant), "what was measured before is reported"


@pytest.mark.parametrize("event", [{}, {"aux": None}, {"aux": "%"}, {"aux": "/////w=="}])
def test_an_account_of_a_build_that_is_none_ends_as_a_lost_connection(event: dict[str, object]) -> None:
    with pytest.raises(ConnectionLost, match="makes no sense"):
        solve._decoded(event)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_slow_engine_is_waited_for(
    compare: Compare, proxied: Callable[[Fault], Proxy], builder: str
) -> None:
    proxy = proxied(Fault("", "delay", nth=None, seconds=0.02))

    assert compare("--builder", builder).code == 0
    assert proxy.struck > 10


@pytest.mark.parametrize(
    ("builder", "stage", "message"),
    [
        ("buildkit", VERSION, "no Docker engine answers at"),
        ("buildkit", LIST, "the connection to the engine broke: timed out"),
        pytest.param("buildkit", BUILD, "nothing heard from the engine for", marks=pytest.mark.slow),
        pytest.param("classic", BUILD, "nothing heard from the engine for", marks=pytest.mark.slow),
        pytest.param("buildkit-upload", BUILD, "nothing heard from the engine for", marks=pytest.mark.slow),
    ],
)
def test_an_engine_that_falls_silent_is_given_up(
    compare: Compare,
    proxied: Callable[[Fault], Proxy],
    monkeypatch: pytest.MonkeyPatch,
    builder: str,
    stage: str,
    message: str,
) -> None:
    monkeypatch.setattr(connect, "FIRST_ANSWER_SECONDS", 2)
    monkeypatch.setattr(connect, "ANSWER_SECONDS", 2)
    monkeypatch.setattr(session, "SILENCE_TIMEOUT", 2.0)
    monkeypatch.setattr(tarbuild, "SILENCE_SECONDS", 2.0)
    monkeypatch.setattr(tarbuild, "PING_SECONDS", 0.5)
    proxied(Fault(stage, "hold", nth=1))

    outcome = compare("--builder", builder)

    assert outcome.code == 4
    assert message in outcome.lines[0]
    assert outcome.seconds < LIMIT
