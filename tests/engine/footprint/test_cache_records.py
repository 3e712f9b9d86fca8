"""Telling a run's cache records from everybody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ctxsize.engine.buildkit import CacheRecord
from ctxsize.engine.buildkit.limits.answers import parse_time
from ctxsize.engine.footprint.cache_records import Expected, OwnRecords, Traces, Window, select
from ctxsize.progress import Silent


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("2026-11-23T13:26:58.126985001Z", 1_795_440_418_126_985_001),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("1969-12-31T23:00:00.25-01:00", 250_000_000),
    ],
)
def test_the_engines_times_are_read_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    assert parse_time(text) == nanoseconds


def test_a_window_survives_the_journal() -> None:
    window = Window.of(1.5, 2.25)

    assert Window.parse(str(window)) == window
    assert window.start < 1_500_000_000 < 2_250_000_000 < window.stop


def test_what_is_expected_survives_the_journal_and_does_not_say_the_steps_name() -> None:
    (expected,) = Expected.of("[2/3] COPY --link secret /x", Window(1, 10))

    assert Expected.parse(str(expected)) == expected
    assert str(expected).startswith("1 10 ")
    assert "secret" not in str(expected)


RUN = "0badcafe-00000001"
OLD = "fileop target"  # how engine 20.10 describes every COPY and WORKDIR


def record(name: str, created: int, *, on: str = "", size: int = 0, description: str = OLD) -> CacheRecord:
    return CacheRecord(name, description, (on,) if on else (), created, size, shared=False)


def told(records: list[CacheRecord], *windows: tuple[int, int], **more: Traces) -> str:
    """The names of the records that are the run's, for markers that ran in these windows."""
    traces = more.get("traces") or Traces({Window(*window): None for window in windows})
    return "".join(sorted(each.id for each in select(records, traces, run=RUN)))


def test_a_markers_record_is_told_by_its_time_and_what_builds_on_it_by_that() -> None:
    records = [record("a", 5), record("b", 50, on="a", size=9), record("c", 60, on="b"), record("x", 50)]

    assert told(records, (1, 10)) == "abc"


@pytest.mark.parametrize(
    "other",
    [
        record("x", 6, size=9),
        record("x", 6, description="mount / from exec /bin/sh -c true"),
        record("x", 6, description="[2/3] COPY /ctxsize-marker-0badcafe-00000002* /"),
        record("x", 11),
    ],
    ids=["it holds something", "a RUN's", "another run's marker", "later"],
)
def test_what_no_marker_can_have_made_is_not_ours(other: CacheRecord) -> None:
    assert told([record("a", 5), other, record("y", 90, on="x")], (1, 10)) == "a"


def test_two_that_a_marker_can_have_made_are_neither_ours() -> None:
    records = [record("a", 5), record("x", 6), record("b", 50, on="a")]

    assert told(records, (1, 10)) == ""


def test_what_was_built_beside_our_steps_tells_two_apart() -> None:
    records = [
        record("a", 5),
        record("x", 6),
        record("b", 50, on="a", size=9),
        record("y", 60, on="x", size=9),
    ]
    steps = {Window(*window): None for window in ((1, 10), (40, 55), (70, 80))}

    assert told(records, traces=Traces({Window(1, 10): None}, steps)) == "ab"


def test_what_was_built_after_our_last_step_does_not_tell() -> None:
    """It may be of a step that was broken off, and of which nobody said how long it ran."""
    records = [record("a", 5), record("b", 90, on="a", size=9)]

    assert told(records, traces=Traces({Window(1, 10): None}, {Window(1, 10): None})) == "ab"


def test_what_was_built_in_a_step_that_never_ended_does_not_tell() -> None:
    records = [record("a", 5), record("b", 20, on="a", size=9)]
    steps = {Window(*window): None for window in ((1, 10), (15, 90))}

    assert told(records, traces=Traces({Window(1, 10): None}, steps, begun={1: None, 15: None})) == "ab"
    steps = {Window(*window): None for window in ((1, 10), (30, 90))}
    begun = dict.fromkeys([1, 19, 30])
    assert told(records, traces=Traces({Window(1, 10): None}, steps, begun=begun)) == "ab"
    assert told(records, traces=Traces({Window(1, 10): None}, steps, begun={1: None, 30: None})) == ""


def test_markers_of_stages_that_start_together_are_told_together() -> None:
    records = [record("a", 5), record("b", 6), record("c", 7, on="a"), record("x", 20)]

    assert told(records, (1, 10), (2, 11)) == "abc"


def test_one_that_is_told_leaves_the_other_window_with_one() -> None:
    records = [record("a", 5), record("b", 15), record("c", 12, on="a")]

    assert told(records, (1, 10), (2, 20)) == "abc"


def test_more_records_than_windows_are_not_told_apart() -> None:
    records = [record("a", 5), record("x", 15), record("y", 16)]

    assert told(records, (1, 10), (2, 20)) == "a"


def test_a_newer_engine_names_the_run() -> None:
    marker = record("a", 5, description=f"[2/3] COPY /ctxsize-marker-{RUN}* /")

    assert told([marker, record("b", 6, on="a", description="[3/3] COPY . /")], (1, 10)) == "ab"


def test_one_that_could_not_be_told_never_is() -> None:
    """Ours may be gone by then, and it be the only one of that time."""
    traces = Traces({Window(1, 10): None})
    assert told([record("a", 5), record("x", 6)], traces=traces) == ""

    assert told([record("x", 6)], traces=traces) == ""


def test_a_record_that_gets_a_new_id_is_told_again() -> None:
    """While a build that was broken off is wound down, the engine lists its last record under another."""
    traces = Traces({Window(1, 10): None})
    assert told([record("a", 5)], traces=traces) == "a"

    assert told([record("b", 4), record("c", 50, on="a")], traces=traces) == "bc"


# As engine 28.5 with the containerd store lists them.
MARKER = f"[stage-1 2/11] COPY --from=base /ctxsize-marker-{RUN}* /"
LINK = "[stage-1  4/11] COPY --link a /a/"
MERGED = "[stage-1  4/11] LINK COPY --link a /a/"
INLINE = "[internal] preparing inline document"
FETCH = "[stage-1 3/11] ADD http://a.b/c /x"
FETCHED = "http url http://a.b/c"


def alone(records: list[CacheRecord], *steps: tuple[str, int, int], traces: Traces | None = None) -> str:
    """As `told`, for steps of that name that ran from and to those times."""
    traces = traces or Traces()
    for name, start, stop in steps:
        traces.expected |= dict.fromkeys(Expected.of(name, Window(start, stop)))
    return told(records, traces=traces)


@pytest.mark.parametrize(
    ("step", "description"),
    [(LINK, LINK), (INLINE, INLINE), (FETCH, FETCHED)],
    ids=["link", "text", "fetched"],
)
def test_what_is_made_from_nothing_is_told_by_name_and_time(step: str, description: str) -> None:
    records = [
        record("a", 5, size=9, description=description),
        record("b", 11, size=9, description=description),
        record("c", 6, size=9, description="[2/3] COPY . /"),
    ]

    assert alone(records, (step, 1, 10)) == "a"


def test_what_a_run_builds_on_a_linked_record_goes_with_it() -> None:
    records = [
        record("m", 2, description=MARKER),
        record("a", 5, size=9, description=LINK),
        CacheRecord("l", MERGED, ("m", "a"), 8, 0, shared=True),
    ]

    assert alone(records, (LINK, 1, 10)) == "alm"


def test_a_linked_record_that_another_build_uses_stays() -> None:
    """Its image has it: the user's next build is as cached as before. It stays theirs when theirs is gone."""
    traces = Traces()
    records = [
        record("m", 2, description=MARKER),
        record("a", 5, size=9, description=LINK),
        CacheRecord("l", MERGED, ("m", "a"), 8, 0, shared=True),
        CacheRecord("x", MERGED, ("base", "a"), 8, 0, shared=True),
    ]

    assert alone(records, (LINK, 1, 10), traces=traces) == "lm"
    assert alone(records[:2], traces=traces) == "m"


def test_two_of_that_name_and_time_are_neither_ours() -> None:
    records = [record("a", 5, description=INLINE), record("x", 6, description=INLINE)]
    traces = Traces()

    assert alone(records, (INLINE, 1, 10), traces=traces) == ""
    assert alone(records[1:], traces=traces) == ""


def test_what_was_there_before_is_not_expected() -> None:
    traces = Traces(expected=dict.fromkeys(Expected.of(LINK, Window(1, 10))))

    assert select([record("a", 5, description=LINK)], traces, run=RUN, known=frozenset("a")) == []


class Renaming:
    """A BuildKit that has received a directory, and has it under another id once nothing reads it any more:
    between two looks, which no real one can be made to do."""

    def __init__(self) -> None:
        self.records: list[CacheRecord] = []

    def disk_usage(self) -> list[CacheRecord]:
        return self.records

    def prune(self, ids: set[str], told: Callable[[str], None]) -> set[str]:
        if ids == {"read"}:
            self.records = [record("unread", 5, description=f"local source for ctxsize-{RUN}-context")]
            return set()
        gone = {each.id for each in self.records} & ids
        self.records = []
        return gone


def test_a_record_that_gets_another_id_while_it_is_removed_is_not_taken_for_gone() -> None:
    engine: Any = Renaming()
    journal: Any = None  # nothing is noted
    own = OwnRecords(engine, RUN, journal)
    engine.records = [record("read", 5, description=f"local source for ctxsize-{RUN}-context")]

    assert not own.remove(Silent()), "it has to be looked at once more"
    assert own.remove(Silent())
    assert engine.records == []
