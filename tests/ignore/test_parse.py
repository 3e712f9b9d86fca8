"""Reading an ignore file: one line per thing Docker does with a line."""

from __future__ import annotations

import pytest

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore import Dialect, parse_ignore
from tests.support.yardstick import within

BUILDKIT, CLASSIC = Dialect.BUILDKIT, Dialect.CLASSIC


def patterns(data: bytes | str, dialect: Dialect = CLASSIC) -> list[str]:
    """The patterns that take effect, with ! before the exceptions."""
    data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return ["!" * rule.negated + rule.pattern for rule in parse_ignore(data, ".dockerignore", dialect).rules]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Comments and blank lines
        ("# comment", []),
        ("#", []),
        (" # x", ["# x"]),  # only column 0 makes a comment
        ("a # b", ["a # b"]),  # there are none at the end of a line
        ("\\#a", ["\\#a"]),
        ("/#a", ["#a"]),
        ("!#a", ["!#a"]),
        ("", []),
        ("\n\n \n\t\n", []),
        ("a\n\nb", ["a", "b"]),
        # Byte order marks
        ("\ufeffa\nb", ["a", "b"]),
        ("\ufeff# a", []),
        ("\ufeff\ufeffa", ["\ufeffa"]),  # one is removed
        ("a\n\ufeffb", ["a", "\ufeffb"]),  # only at the start
        # Line ends
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\rb", ["a\rb"]),  # a CR alone ends no line
        ("a\u2028b", ["a\u2028b"]),
        ("a\x0bb", ["a\x0bb"]),
        # White space around a pattern goes, by Unicode's idea of it
        ("  a\t", ["a"]),
        ("\u00a0a\u3000", ["a"]),
        ("\x0b\x0ca\x85", ["a"]),
        ("a b", ["a b"]),
        ("\x1ca", ["\x1ca"]),
        ("a\u200b", ["a\u200b"]),
        # Exceptions
        ("!a", ["!a"]),
        ("! a", ["!a"]),
        ("!\ta", ["!a"]),
        ("!!a", ["!!a"]),
        ("! !a", ["!!a"]),
        ("/!a", ["!a"]),  # a leading slash that goes leaves an exception
        ("\\!a", ["\\!a"]),
        ("!.", ["!."]),
        # Cleaning
        ("/a", ["a"]),
        ("//a", ["a"]),
        ("./a", ["a"]),
        ("a/", ["a"]),
        ("a//b", ["a/b"]),
        ("a/./b/.", ["a/b"]),
        ("a/../b", ["b"]),
        ("a/b/../..", ["."]),
        ("/../a", ["a"]),
        ("../a", ["../a"]),  # which matches nothing
        ("/", ["/"]),
        (".", ["."]),
        ("**/", ["**"]),
        ("/**", ["**"]),
        ("!/a", ["!a"]),
        ("!../a", ["!../a"]),
        ("!../../a", ["a"]),  # cleaned a second time with the !: "!.." is a name then
        ("!a/..", ["!."]),
        ("/ a", ["a"]),  # trimmed a second time, too
        ("!/ a", ["! a"]),
        ("a /", ["a"]),
        ("[a]/../b", ["b"]),  # cleaning knows nothing of classes
        # Malformed in part, but not in the part that Docker checks
        ("x*[a", ["x*[a"]),
        ("x*\\", ["x*\\"]),
    ],
)
def test_a_line_means(text: str, expected: list[str]) -> None:
    assert patterns(text) == expected


def test_rules_carry_their_line_as_written() -> None:
    rules = parse_ignore(b"# one\r\n\r\n ! ./b/ \r\n", ".dockerignore", BUILDKIT).rules
    assert [(rule.line, rule.text, rule.pattern, rule.negated) for rule in rules] == [
        (3, " ! ./b/ ", "b", True)
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("!", 1, "lone !"),
        ("a\n! ", 2, "lone !"),
        ("!/", 1, "lone !"),
        ("#\n\n[", 3, "syntax error in pattern"),
        ("[x-]", 1, "syntax error in pattern"),
        ("[]a]", 1, "syntax error in pattern"),
        ("[^]", 1, "syntax error in pattern"),
        ("a\\", 1, "syntax error in pattern"),
        ("[a\\", 1, "syntax error in pattern"),
        ("*[a", 1, "syntax error in pattern"),
        ("x/[a", 1, "syntax error in pattern"),
        ("**/[a", 1, "syntax error in pattern"),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_docker_refuses(text: str, line: int, message: str, dialect: Dialect) -> None:
    with pytest.raises(IgnoreFileError, match=message) as caught:
        patterns(text, dialect)
    assert caught.value.where == f".dockerignore:{line}"


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        (b"a" * 65_535, True),
        (b"a" * 65_535 + b"\nb", True),
        (b"a" * 65_536, False),
        (b"a" * 65_536 + b"\n", False),
        (b"a" * 65_535 + b"\r\n", False),  # the carriage return counts
        (b"\xef\xbb\xbf" + b"a" * 65_532, True),
        (b"\xef\xbb\xbf" + b"a" * 65_533, False),  # and so does a byte order mark
        (b"#" * 65_536, False),  # also in a comment
    ],
)
def test_the_longest_line_has_65535_bytes(data: bytes, fits: bool) -> None:
    if fits:
        assert len(patterns(data)) >= 1
    else:
        with pytest.raises(IgnoreFileError, match="longer than 65535 bytes") as caught:
            patterns(data)
        assert caught.value.where == ".dockerignore:1"


@pytest.mark.parametrize("control", ["a\tb", "a\x01", "a\x1b", "a\x7f", "a\rb", "\\\tb", "/\tx"])
def test_buildkit_cannot_transport_control_characters_among_ascii_patterns(control: str) -> None:
    with pytest.raises(IgnoreFileError, match="control character") as caught:
        patterns(f"x\n{control}", BUILDKIT)
    assert caught.value.where == ".dockerignore:2"
    assert len(patterns(f"x\n{control}", CLASSIC)) == 2
    assert len(patterns(f"é\n{control}", BUILDKIT)) == 2, "then all of them are URL-encoded"


def test_buildkit_transports_1_mib_of_patterns() -> None:
    """Measured: 15,418 patterns of 20 bytes pass and 15,419 do not, and 4,227 of 200 but not 4,228."""
    for length, most in ((20, 15_418), (200, 4_227)):
        lines = [f"{number:p>{length}}" for number in range(most + 1)]
        assert len(patterns("\n".join(lines[:most]), BUILDKIT)) == most
        with pytest.raises(IgnoreFileError, match="1 MiB of headers"):
            patterns("\n".join(lines), BUILDKIT)
        assert len(patterns("\n".join(lines), CLASSIC)) == most + 1


def test_bytes_that_are_not_utf8_stay_in_classic_and_are_replaced_by_buildkit() -> None:
    assert patterns(b"caf\xe9", CLASSIC) == ["caf\udce9"]
    assert patterns(b"caf\xe9", BUILDKIT) == ["caf\ufffd"]


@pytest.mark.parametrize("dialect", [CLASSIC, BUILDKIT])
@pytest.mark.parametrize("text", [b"[\xe9]", b"[a\xe9]", b"x[\xe9-\xe9]", b"[^\xe9]x"])
def test_a_class_may_not_hold_what_is_not_utf8(text: bytes, dialect: Dialect) -> None:
    """Measured with 28.5: its BuildKit looks for errors before it has U+FFFD for such a byte."""
    with pytest.raises(IgnoreFileError, match="syntax error"):
        patterns(text, dialect)


def test_utf16_is_read_as_it_lies_there() -> None:
    assert patterns("a\nb".encode("utf-16-le"), CLASSIC) == ["a\0", "\0b\0"]


def test_a_megabyte_of_patterns_is_read_in_a_second() -> None:
    data = b"".join(b"dir%05d/sub/name.txt\n" % number for number in range(50_000))
    assert len(patterns(data)) == 50_000
    assert within(1, lambda: patterns(data))


def test_the_file_is_kept_as_it_was_read() -> None:
    """A build that is given the ignore file is given these bytes, not what the path leads to by then."""
    data = b"\xef\xbb\xbf# first\r\n*.log\r\n"
    assert parse_ignore(data, ".dockerignore", Dialect.BUILDKIT).data == data
