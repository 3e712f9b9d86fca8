"""Sets of expressions: what is found, and what happens when RE2 has not memory enough for a set."""

from __future__ import annotations

import pytest

from ctxsize.ignore import regexset
from ctxsize.ignore.regexset import RegexSet, refused


def test_the_expressions_that_are_found() -> None:
    together = RegexSet(["^a", "b$", "x", ""])

    assert together.find(b"ab") == [0, 1, 3]
    assert together.find(b"") == [3]


def test_bytes_are_looked_at_one_by_one() -> None:
    half = "é".encode()[:1]

    assert RegexSet([b"^" + half, rb"\xa9\z", b"x"]).find("é".encode()) == [0, 1]
    assert RegexSet(["^\ufffd", "x"]).find("é".encode()) == []


def test_no_expressions() -> None:
    assert RegexSet([]).find(b"a") == []


@pytest.mark.parametrize("number", [1, 2, 41, 20_001])
def test_any_number(number: int) -> None:
    together = RegexSet([f"^{index}$" for index in range(number)])

    assert together.find(str(number - 1).encode()) == [number - 1]
    assert together.find(str(number).encode()) == []


def test_more_than_re2_compiles_is_asked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regexset, "_MAX_MEMORY", 40_000)
    together = RegexSet([f"{'[a-z]?' * 20}{index}$" for index in range(40)])

    assert together.find(b"abc17") == [7, 17]
    assert together._halves is not None, "it was compiled at once: the test tests nothing"


def test_expressions_that_re2_refuses() -> None:
    assert refused(["a", "[z-a]", "a{2}{3}", "*"]) == {"[z-a]", "a{2}{3}", "*"}
