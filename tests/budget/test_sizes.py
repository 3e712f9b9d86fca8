"""Sizes as Docker prints them and people write them: exact to the byte, refused when they are not clear."""

from __future__ import annotations

import pytest

from ctxsize.budget.sizes import AmountError, parse_bytes, parse_files, parse_share
from ctxsize.units import format_bytes

UNITS = [
    ("B", 1),
    *((f"{prefix}B", 1000**power) for power, prefix in enumerate("kMGTPEZY", 1)),
    *((f"{prefix}iB", 1024**power) for power, prefix in enumerate("KMGTPEZY", 1)),
]


@pytest.mark.parametrize(("unit", "factor"), UNITS)
def test_every_unit_docker_prints_in_every_case_with_and_without_a_space(unit: str, factor: int) -> None:
    for spelling in {unit, unit.lower(), unit.upper()}:
        for text in (f"3{spelling}", f"3 {spelling}", f" 3\t{spelling} ", f"3\u00a0{spelling}"):
            assert parse_bytes(text) == 3 * factor


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("1 byte", 1),
        ("2 bytes", 2),
        ("2.27kB", 2270),
        ("13.3kB", 13_300),
        ("1e+03kB", 1_000_000),  # what go-units prints for 999,950 bytes
        ("1.5e-1 kB", 150),
        ("0.1 GB", 100_000_000),  # a float would be off
        ("9007199254740.993 kB", 9_007_199_254_740_993),  # 2**53 + 1, which no float holds
        ("1.9999 kB", 1999),
        ("0.0009 kB", 0),
    ],
)
def test_numbers_are_exact(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("size", [0, 1, 999, 2270, 75_200_000, 242_000_000, 5_100_000_000, 10**15])
def test_what_a_report_shows_can_be_pasted_as_a_limit(size: int) -> None:
    assert parse_bytes(format_bytes(size)) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10", "'10' has no unit: write 10 MB, 10 MiB or 10 B"),
        ("10 M", "'10 M' is ambiguous: write 10 MB (decimal) or 10 MiB (binary)"),
        ("10k", "'10k' is ambiguous: write 10 kB (decimal) or 10 KiB (binary)"),
        ("10 MBB", "'MBB' is not a unit: did you mean MB?"),
        ("10 Mibs", "'Mibs' is not a unit: did you mean MiB?"),
        (
            "10 parsecs",
            "'parsecs' is not a unit: known are B, kB, MB, GB, TB, PB and KiB, MiB, GiB …",
        ),
        ("ten MB", "'ten MB' is not a size: write a number and a unit, such as 10 MB"),
        ("-1 MB", "'-1 MB' is not a size: write a number and a unit, such as 10 MB"),
        ("", "'' is not a size: write a number and a unit, such as 10 MB"),
        (".5 MB", "'.5 MB' is not a size: write a number and a unit, such as 10 MB"),
    ],
)
def test_what_is_not_clear_is_refused_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(AmountError) as error:
        parse_bytes(text)
    assert str(error.value) == message


@pytest.mark.parametrize("text", ["1,5 MB", "1_000 MB", "٣ MB", "1e999999999 MB", "9" * 10_000 + " MB", "5%"])
def test_other_spellings_of_numbers_are_refused_and_take_no_time(text: str) -> None:
    with pytest.raises(AmountError) as error:
        parse_bytes(text)
    assert len(str(error.value)) < 150


def test_files_are_an_integer() -> None:
    assert parse_files(" 2000 ") == 2000
    for text in ("2000.0", "2e3", "-1", "2 000", "many", "9" * 30):
        with pytest.raises(AmountError, match="not a number of files"):
            parse_files(text)


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("5%", 100, 5),
        ("5 %", 119, 5),
        ("2.5%", 1000, 25),
        ("0%", 10, 0),
        ("150%", 10, 15),
        ("0.1%", 10**15, 10**12),
    ],
)
def test_shares_of_integers_round_down(text: str, whole: int, part: int) -> None:
    share = parse_share(text)
    assert share is not None
    assert share.of(whole) == part


def test_what_is_no_share() -> None:
    assert parse_share("5 MB") is None
    with pytest.raises(AmountError, match="not a percentage"):
        parse_share("five%")
