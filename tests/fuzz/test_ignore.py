"""Any bytes as an ignore file: rules or IgnoreFileError, in a time that grows with their number only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect
from tests.fuzz.profile import effort
from tests.support.yardstick import cpu_seconds, within

MB = 1 << 20
DIALECTS = st.sampled_from(Dialect)
PIECES = (
    *(b"*", b"**", b"**/", b"/", b"?", b"!", b"#", b"\\", b"[", b"]", b"[^", b"a-z", b"-", b"^", b".", b".."),
    *(b"a", b"b", b"node_modules", b"{2}", b"|", b"(", b")", b"+", b"$", b"\\Q", b"\\E", b"\\C", b"\\pN"),
    *(
        b"\n",
        b"\n",
        b"\r\n",
        b" ",
        b"\t",
        b"\0",
        b"\x1b",
        b"\xff",
        b"\xc2\x85",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
    ),
)
FILES = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
NAMES = st.one_of(
    st.sampled_from(["a", "b", "node_modules", ".", "a.b", "-", "!", "\n", "\udcff", "\ufffd", "[", "é"]),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8),
)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


@given(FILES, st.lists(PATHS, max_size=4), DIALECTS)
@effort(60)
def test_any_bytes(data: bytes, paths: list[str], dialect: Dialect) -> None:
    try:
        matcher = Matcher(parse_ignore(data, "f", dialect).rules, dialect, "f")
        for path in paths:
            verdict = matcher.verdict(path)
            assert verdict.rule is None or verdict.rule in matcher.rules
            matcher.matches_or_parent(path)
            matcher.for_classic_build(path)
        matcher.start().special([path.split("/")[0] for path in paths])
    except IgnoreFileError as error:
        assert error.where is not None
        assert error.where.startswith("f:")


@given(st.lists(st.binary(max_size=30).map(bytes.strip), max_size=5), st.lists(PATHS, max_size=3))
@effort(40)
def test_many_rules_are_decided_as_few(lines: list[bytes], paths: list[str]) -> None:
    """A set of expressions at once, or one after the other: the same answer. Rules of no effect make many."""
    data = b"\n".join(line.replace(b"\n", b"").replace(b"!", b"") for line in lines)
    idle = b"".join(b"no*such-name%d?\n" % number for number in range(40))
    try:
        few = Matcher(parse_ignore(data, "f", Dialect.CLASSIC).rules, Dialect.CLASSIC)
        many = Matcher(parse_ignore(idle + data, "f", Dialect.CLASSIC).rules, Dialect.CLASSIC)
        answers = [
            [
                (verdict.ignored, verdict.rule and verdict.rule.text, [rule.text for rule in verdict.matches])
                for verdict in map(matcher.verdict, paths)
            ]
            for matcher in (few, many)
        ]
        again = [[matcher.matches_or_parent(path) for path in paths] for matcher in (few, many)]
    except IgnoreFileError:
        return
    assert answers[0] == answers[1]
    assert again[0] == again[1]


@given(st.lists(st.binary(max_size=30).map(bytes.strip), max_size=5), st.lists(PATHS, max_size=3), DIALECTS)
@effort(60)
def test_rules_that_sleep_decide_as_those_that_are_awake(
    lines: list[bytes], paths: list[str], dialect: Dialect
) -> None:
    answers: list[list[object]] = []
    for most in (4_000, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ctxsize.ignore.compiled._MOST_AWAKE", most)
            said: list[object] = []
            try:
                matcher = Matcher(parse_ignore(b"\n".join(lines), "f", dialect).rules, dialect)
                for path in paths:
                    said += [matcher.verdict(path), matcher.matches_or_parent(path)]
                    said.append(matcher.for_classic_build(path).rules)
            except IgnoreFileError as error:
                said.append(str(error))
            answers.append(said)
    assert answers[0] == answers[1]


def lines(pattern: bytes, size: int) -> bytes:
    """``size`` bytes of lines, each the pattern with another number."""
    count = size // (len(pattern) + 4)
    return b"".join(pattern % number + b"\n" for number in range(count))[:size]


def answer(data: bytes, dialect: Dialect) -> None:
    """Read the file and decide a few paths and a directory of a thousand names."""
    try:
        matcher = Matcher(parse_ignore(data, "f", dialect).rules, dialect)
        for path in ("a", "a/b/c/d", "web/src/node_modules/x/index.js", "x/" * 20 + "a", "a" * 255):
            matcher.verdict(path)
            matcher.matches_or_parent(path)
        matcher.start().special([f"n{number}" for number in range(1000)])
    except IgnoreFileError:
        pass


LONG = {
    "stars": b"*a" * 30_000,
    "200 times any directory": b"**/" * 200 + b"x",
    "200 times a name below any directory": b"**/a/" * 200 + b"x",
    "200 times a part of a name below any directory": b"**/*a*" * 200,
    "classes": b"[a-z]" * 13_000,
    "one class": b"[" + b"a-z" * 20_000 + b"]",
    "unclosed": b"[" * 60_000,
    "escapes": b"\\a" * 30_000,
    "quotes": b"\\Q*" * 20_000,
    "alternatives": b"|" * 60_000 + b"*",
    "counted": b"a{1000}{1000}*",
    "up": b"../" * 20_000 + b"x",
    "deep": b"a/" * 32_000,
    "any characters": b"?" * 65_000,
    "two stars in names": b"**a" * 20_000,
}
MEGABYTE: dict[str, Callable[[int], bytes]] = {
    "the same again": lambda size: b"*\n" * (size // 2),
    "names": lambda size: lines(b"name%d", size),
    "names anywhere": lambda size: lines(b"**/a%d", size),
    "parts of names": lambda size: lines(b"*a%d*", size),
    "parts of names anywhere": lambda size: lines(b"**/*a%d*b", size),
    "below anything": lambda size: lines(b"a%d/**/b", size),
    "whole paths": lambda size: lines(b"a**b%d", size),
    "classes": lambda size: lines(b"[a-z]%d", size),
    "one character and a number": lambda size: lines(b"?%d", size),
    "exceptions": lambda size: lines(b"!a%d*", size),
    "now this, now that": lambda size: lines(b"*a%d\n!*b", size),
    "now this, now the same": lambda size: b"*a\n!*a\n" * (size // 7),
    "alternatives": lambda size: b"".join(b"?a%d|*b%d\n" % (number, number) for number in range(size // 16)),
    "repeats": lambda size: lines(b"a{2}b%d*", size),
    "many repeats": lambda size: lines(b"a{900}b%d*", size),
    "kinds of characters": lambda size: lines(b"[[:alpha:]]%d*", size),
    "Unicode": lambda size: lines(b"\\pL%d*", size),
    "characters by number": lambda size: lines(b"\\x41%d*", size),
    "begins here": lambda size: lines(b"^a%d*", size),
    "not UTF-8": lambda size: lines(b"*\x80%d", size),
    "not UTF-8, to the end": lambda size: lines(b"\x80%d**", size),
    "broken": lambda size: lines(b"x*[z-a]%d", size),
    "comments": lambda size: b"#\n" * (size // 2),
    "nothing": lambda size: b"\n" * size,
    "long lines": lambda size: (b"*a" * 30_000 + b"\n") * (size // 60_001),
}


# What a path must have is not seen in these, or it is in all of them, so that all are compiled.
ODD: dict[str, Callable[[int], bytes]] = {
    "alternatives with the same beginning": lambda size: lines(b"a|b%d*", size),
    "alternatives that take everything": lambda size: lines(b"*|%d", size),
    "quotes": lambda size: lines(b"\\Qa%d\\E*", size),
    "broken repeats": lambda size: lines(b"*{2}%d", size),
    "odd repeats": lambda size: lines(b"a{2}{%d}*", size),
}


@pytest.mark.parametrize("name", LONG)
def test_a_hostile_pattern_answers_in_under_a_second(name: str) -> None:
    assert within(1, lambda: answer(LONG[name] + b"\n", Dialect.BUILDKIT))


@pytest.mark.parametrize("name", MEGABYTE)
def test_a_hostile_quarter_of_a_megabyte_answers_in_under_a_second(name: str) -> None:
    data = MEGABYTE[name](MB // 4)

    assert within(1, lambda: answer(data, Dialect.CLASSIC))


@pytest.mark.slow
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("name", MEGABYTE)
def test_a_hostile_megabyte_answers_in_under_a_second(name: str, dialect: Dialect) -> None:
    data = MEGABYTE[name](MB)

    assert within(1, lambda: answer(data, dialect))


@pytest.mark.parametrize("name", MEGABYTE | ODD)
def test_as_many_patterns_as_buildkit_carries_are_answered_in_under_a_second(name: str) -> None:
    data = (MEGABYTE | ODD)[name](MB // 8)

    assert within(1, lambda: answer(data, Dialect.BUILDKIT))


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_a_megabyte_of_odd_patterns_answers_in_seconds(name: str) -> None:
    data = ODD[name](MB)

    assert within(5, lambda: answer(data, Dialect.CLASSIC))


@pytest.mark.slow
@pytest.mark.parametrize("name", MEGABYTE | ODD)
def test_twice_as_many_patterns_take_twice_the_time(name: str) -> None:
    """The classic builder takes any number of patterns: time may grow with it, but not with its square."""
    small, large = (
        min(cpu_seconds(partial(answer, (MEGABYTE | ODD)[name](size), Dialect.CLASSIC)) for _ in range(2))
        for size in (MB // 16, MB // 4)
    )

    assert large < 4 * small * 2 + 0.2
