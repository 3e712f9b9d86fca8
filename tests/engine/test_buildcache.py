"""Telling a run's cache records from everybody else's."""

from __future__ import annotations

import pytest

from ctxsize.engine.buildcache import Window, parse_time


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
