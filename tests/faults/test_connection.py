"""A proxy between us and the engine cuts, truncates, garbles, delays and swallows answers, at every stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ctxsize.engine.buildkit import ConnectionLost, fallback
from tests.faults.conftest import Compare
from tests.support.proxy import Fault, Proxy

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("nothing_left")]

VERSION = r"GET (/v[\d.]+)?/version"
LIST = r"GET .*/images/json"
GRPC = r"POST .*/grpc"
SESSION = r"POST .*/session"
BUILD = r"POST .*/build\?"
RECORDS = r"GET .*/system/df"
IMAGE = r"GET .*/images/[^/]+/json"
SAVE = r"GET .*/images/get"
REMOVE = r"DELETE .*/images/"
_STAGES = {
    VERSION: "version",
    GRPC: "grpc",
    SESSION: "session",
    BUILD: "build",
    RECORDS: "records",
    IMAGE: "image",
    SAVE: "save",
    REMOVE: "remove",
}

#: BuildKit behind a proxy that lets nobody to its own API.
FALLBACK = "buildkit-fallback"
#: (builder, stage, the how manieth of them is harmed, kind, after so many bytes, variants measured). The
#: first of each stage, and of each builder's build, is part of every run of the suite; the others are slow.
CASES = [
    ("buildkit", VERSION, 1, "cut", 0, ""),
    ("buildkit", VERSION, 1, "truncate", 200, ""),
    ("buildkit", VERSION, 1, "corrupt", 0, ""),
    ("buildkit", GRPC, 1, "cut", 0, ""),
    ("buildkit", GRPC, 1, "cut", 300, ""),
    ("buildkit", GRPC, 1, "corrupt", 300, ""),
    ("buildkit", SESSION, 2, "cut", 0, ""),
    ("buildkit", SESSION, 2, "cut", 300, ""),
    ("buildkit", SESSION, 2, "corrupt", 300, ""),
    ("buildkit", SESSION, 6, "cut", 300, "with"),
    (FALLBACK, RECORDS, 1, "cut", 300, ""),
    (FALLBACK, RECORDS, 1, "corrupt", 0, ""),
    (FALLBACK, BUILD, 1, "cut", 0, ""),
    (FALLBACK, BUILD, 1, "truncate", 200, ""),
    (FALLBACK, BUILD, 1, "corrupt", 600, ""),
    (FALLBACK, BUILD, 2, "cut", 300, "with"),
    (FALLBACK, BUILD, 3, "cut", 300, "with"),
    ("buildkit", IMAGE, 2, "rename", 0, "with without"),
    ("buildkit", IMAGE, 1, "corrupt", 0, "with"),
    ("buildkit", REMOVE, 1, "cut", 0, "with"),
    ("buildkit", SAVE, 1, "cut", 0, "with without"),
    ("buildkit", SAVE, 1, "corrupt", 600, "with without"),
    ("buildkit", SAVE, 1, "cut", 5000, "with without"),
    ("classic", BUILD, 1, "cut", 0, ""),
    ("classic", BUILD, 1, "cut", 120, ""),
    ("classic", BUILD, 1, "corrupt", 0, ""),
    ("classic", BUILD, 3, "cut", 120, "with"),
    ("classic", IMAGE, 1, "rename", 0, ""),
    ("classic", IMAGE, 1, "corrupt", 0, ""),
    ("classic", SAVE, 1, "truncate", 5000, "with without"),
]


def reached(proxy: Proxy, builder: str) -> str:
    """The builder's name, and the proxy set up for it."""
    proxy.refuses = GRPC if builder == FALLBACK else None
    return builder.removesuffix("-fallback")


def _like(case: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], bool]:
    """Whether another case has the same stage and, where the builders differ in it, the same builder."""
    return lambda other: case[1] == other[1] and (case[1] != BUILD or case[0] == other[0])


@pytest.mark.parametrize(
    ("builder", "stage", "nth", "kind", "after", "measured"),
    [
        pytest.param(
            *case,
            id="-".join([case[0], _STAGES[case[1]], *map(str, case[2:5])]),
            marks=[pytest.mark.slow] if any(map(_like(case), CASES[:number])) else [],
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

    outcome = compare("--builder", reached(proxy, builder))

    assert proxy.struck, proxy.stages
    assert outcome.code == 4
    assert 1 <= len(outcome.lines) <= 2, "one line for each variant that it befell"
    assert all("error" in line and len(line) < 300 for line in outcome.lines), outcome.lines
    for variant in measured.split():
        assert outcome.measured(variant), "what was measured before is reported"


@pytest.mark.parametrize("event", [{}, {"aux": None}, {"aux": "%"}, {"aux": "/////w=="}])
def test_an_account_of_a_build_that_is_none_ends_as_a_lost_connection(event: dict[str, object]) -> None:
    with pytest.raises(ConnectionLost, match="makes no sense"):
        fallback._status(event)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "builder",
    ["classic", pytest.param(FALLBACK, marks=pytest.mark.slow)],
)
def test_a_build_that_says_nothing_for_long_is_waited_for_as_long_as_the_engine_answers(
    compare: Compare, proxied: Callable[[Fault], Proxy], builder: str
) -> None:
    proxy = proxied(Fault(BUILD, "pause", nth=1, seconds=2.4))

    assert compare("--builder", reached(proxy, builder)).code == 0
    assert proxy.struck == 1


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_an_engine_that_is_slow_in_everything_is_waited_for(
    compare: Compare, proxied: Callable[[Fault], Proxy], builder: str
) -> None:
    proxy = proxied(Fault("", "delay", nth=None, seconds=0.02))

    assert compare("--builder", builder).code == 0
    assert proxy.struck > 10


@pytest.mark.parametrize("kind", ["cut", "rename"])
def test_a_clean_up_that_can_not_see_what_is_there_says_so_and_the_next_run_does_it(
    compare: Compare, proxied: Callable[[Fault], Proxy], kind: str
) -> None:
    """Everything was measured: that is reported, with exit code 0."""
    proxy = proxied(Fault(LIST, kind))

    outcome = compare("--builder", "buildkit")

    assert proxy.struck, proxy.stages
    assert (outcome.code, outcome.measured("with"), outcome.measured("without")) == (0, True, True)
    assert outcome.report is not None
    assert sum("not certainly removed" in line for line in outcome.lines) == 1, "after the report"
    assert compare("--builder", "buildkit").code == 0


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("builder", "stage", "message"),
    [
        ("buildkit", VERSION, "no Docker engine answers at"),
        ("buildkit", IMAGE, "the connection to the engine broke: timed out"),
        pytest.param(FALLBACK, BUILD, "nothing heard from the engine for", marks=pytest.mark.slow),
        pytest.param("classic", BUILD, "nothing heard from the engine for", marks=pytest.mark.slow),
    ],
    ids=["version", "image", "build-fallback", "build-classic"],
)
def test_an_engine_that_falls_silent_is_given_up(
    compare: Compare, proxied: Callable[[Fault], Proxy], builder: str, stage: str, message: str
) -> None:
    proxy = proxied(Fault(stage, "hold"))

    outcome = compare("--builder", reached(proxy, builder))

    assert outcome.code == 4
    assert message in outcome.lines[0]
