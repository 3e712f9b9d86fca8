"""Which steps a build waited for, where some ran at the same time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.engine.builders.criticalpath import Span, critical_seconds

Inputs = dict[str, tuple[str, ...]]

TABLE: list[tuple[str, list[tuple[str, float, float]], Inputs, dict[str, float]]] = [
    # what, when each step ran, what each needs, seconds on the path
    ("nothing ran", [], {}, {}),
    ("one step", [("a", 0, 2)], {}, {"a": 2}),
    ("one after the other", [("a", 0, 2), ("b", 2, 5)], {"b": ("a",)}, {"a": 2, "b": 3}),
    (
        "two stages at once: only the slower one was waited for",
        [("slow", 0, 5), ("fast", 0, 2), ("join", 5, 6)],
        {"join": ("slow", "fast")},
        {"slow": 5, "join": 1},
    ),
    (
        "a stage that is needed for a part of the time",
        [("load", 0, 1), ("a1", 1, 3), ("a2", 3, 4), ("b", 0, 3.5), ("join", 4, 6)],
        {"a1": ("load",), "a2": ("a1",), "join": ("a2", "b")},
        {"load": 1, "a1": 2, "a2": 1, "join": 2},
    ),
    (
        "time in which nothing ran belongs to nobody",
        [("a", 0, 1), ("b", 3, 4)],
        {"b": ("a",)},
        {"a": 1, "b": 1},
    ),
    (
        "a step that ran twice waited for its own first part",
        [("a", 0, 1), ("b", 1, 2), ("a", 2, 4)],
        {"b": ("a",)},
        {"a": 3},
    ),
    (
        "the export needs no step by name and waits for the last one",
        [("a", 0, 4), ("b", 0, 1), ("export", 4, 5)],
        {},
        {"a": 4, "export": 1},
    ),
    (
        "what it needs comes before what happened to end last",
        [("needed", 0, 2), ("bystander", 1, 2.9), ("last", 3, 4)],
        {"last": ("needed",)},
        {"needed": 2, "last": 1},
    ),
    (
        "an input from the cache never ran: the wait was for whatever ended last",
        [("load", 0, 2), ("copy", 2, 3)],
        {"copy": ("cached",)},
        {"load": 2, "copy": 1},
    ),
    (
        "clocks read a millisecond apart: the overlap counts once",
        [("a", 0, 2.001), ("b", 2, 3)],
        {"b": ("a",)},
        {"a": 2, "b": 1},
    ),
    (
        "what still ran when it began was not waited for",
        [("a", 0, 2.5), ("b", 2, 3)],
        {"b": ("a",)},
        {"b": 1},
    ),
    ("a step without a length", [("a", 0, 1), ("b", 1, 1)], {"b": ("a",)}, {"a": 1}),
]


@pytest.mark.parametrize(
    ("spans", "inputs", "expected"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_the_steps_that_were_waited_for(
    spans: list[tuple[str, float, float]], inputs: Inputs, expected: dict[str, float]
) -> None:
    assert critical_seconds([Span(*span) for span in spans], inputs) == pytest.approx(expected)


def test_the_order_in_which_steps_are_told_does_not_matter() -> None:
    spans = [Span("a", 0, 2), Span("b", 0, 1), Span("c", 2, 3), Span("a", 3, 4)]
    inputs = {"c": ("a", "b")}

    assert critical_seconds(reversed(spans), inputs) == critical_seconds(spans, inputs)


_MOMENTS = st.floats(0, 100, allow_nan=False)


@st.composite
def builds(draw: st.DrawFn) -> tuple[list[Span], Inputs]:
    """Steps that ran at any times, each needing some of those before it; some run twice."""
    count = draw(st.integers(1, 8))
    spans, inputs = [], {}
    for number in range(count):
        for _ in range(draw(st.integers(1, 2))):
            start, end = sorted((draw(_MOMENTS), draw(_MOMENTS)))
            spans.append(Span(str(number), start, end))
        earlier = [str(each) for each in range(number)]
        inputs[str(number)] = tuple(draw(st.sets(st.sampled_from(earlier), max_size=3))) if earlier else ()
    return spans, inputs


@given(builds())
def test_whatever_ran_the_path_is_never_longer_than_the_build_nor_a_part_of_it_negative(
    build: tuple[list[Span], Inputs],
) -> None:
    spans, inputs = build
    seconds = critical_seconds(spans, inputs)
    ran = [span for span in spans if span.end > span.start]
    if not ran:
        assert seconds == {}
        return

    begin, end = min(span.start for span in ran), max(span.end for span in ran)
    assert sum(seconds.values()) <= end - begin + 1e-6
    assert all(value >= 0.0 for value in seconds.values())
    for key, value in seconds.items():
        assert value <= sum(span.end - span.start for span in ran if span.key == key) + 1e-6


@given(builds())
def test_the_step_that_ended_last_is_on_the_path_in_full(build: tuple[list[Span], Inputs]) -> None:
    spans, inputs = build
    ran = [span for span in spans if span.end > span.start]
    if not ran:
        return
    seconds = critical_seconds(spans, inputs)
    end = max(span.end for span in ran)

    assert any(seconds.get(span.key, 0.0) >= span.end - span.start - 1e-6 for span in ran if span.end == end)
