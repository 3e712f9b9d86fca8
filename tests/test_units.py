"""Sizes and times as people read them."""

from __future__ import annotations

import pytest

from ctxsize.units import format_bytes, format_seconds, format_share


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1024, "1.02kB"),
        (12_345, "12.3kB"),
        (999_499, "999kB"),
        (999_950, "1MB"),  # Docker's own prints 1e+03kB
        (242_000_000, "242MB"),
        (1_500_000_000, "1.5GB"),
        (-7, "-7B"),
        (-280_000, "-280kB"),
    ],
)
def test_sizes_are_decimal_with_three_digits_as_docker_prints_them(size: int, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.00 s"), (1.234, "1.23 s"), (12.34, "12.3 s"), (185.0, "3 min 5 s"), (-0.5, "-0.50 s")],
)
def test_seconds_have_the_digits_that_matter(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (99_999, 100_000, ">99.9%"),
        (997, 1000, "99.7%"),
        (5, 5, "100%"),
        (-3, 1, "-300%"),
        (1, 3, "33%"),
        (1, 30, "3.3%"),
        (1, 100_000, "<0.1%"),
        (5, 0, ""),
        (0, 5, "0.0%"),
        (-1, 2, "-50%"),
    ],
)
def test_shares_never_round_something_to_nothing(part: int, whole: int, text: str) -> None:
    assert format_share(part, whole) == text
