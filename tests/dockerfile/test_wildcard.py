"""Wildcards of COPY sources, as Go's filepath.Match; and --exclude, as measured on Docker 28.5."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.wildcard import PathMatcher, escape, excluded, has_wildcard, name_pattern, unescape


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*c", "abc", True),
        ("a*", "a", True),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("a?c", "abc", True),
        ("a?c", "a\nc", True),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("[!a]", "!", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("[\\]a]", "]", True),
        ("[\\-x]", "-", True),
        ("[x\\-]", "z", False),
        ("arr[[]0].txt", "arr[0].txt", True),
        ("[z-a]", "m", False),
        (".*", ".hidden", True),
        ("*", ".hidden", True),
        ("a.b", "axb", False),
        # malformed: Go reports an error, so nothing is copied
        ("[]a]", "]", False),
        ("[-x]", "x", False),
        ("[x-]", "x", False),
        ("a[", "a", False),
        ("a\\", "a", False),
    ],
)
def test_name_pattern(pattern: str, name: str, matches: bool) -> None:
    assert bool(name_pattern(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/b", False), ("a/*", True), ("a?", True), ("[a]", True), ("a\\*", False), ("a\\\\*", True)],
)
def test_has_wildcard(path: str, expected: bool) -> None:
    assert has_wildcard(path) is expected


def test_escape_makes_a_pattern_that_matches_just_the_path() -> None:
    path = "a*b?[c]\\d"
    assert not has_wildcard(escape(path))
    assert unescape(escape(path)) == path
    assert name_pattern(escape(path)).fullmatch(path)


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        (("*.bin",), "big.bin", True),
        (("*.bin",), "sub/big.bin", False),
        (("**/*.py",), "a.py", True),
        (("**/*.py",), "x/y/a.py", True),
        (("sub",), "sub/c.py", True),
        (("d/*.py",), "d/a.py", True),
        (("/e",), "e", False),
        (("a?b",), "a/b", False),
        (("*", "!a.py"), "a.py", False),
        (("*", "!a.py"), "b.txt", True),
        ((), "a", False),
    ],
)
def test_excluded(patterns: tuple[str, ...], path: str, expected: bool) -> None:
    assert excluded(path, patterns) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "classic", "buildkit"),
    [
        (".", "a/b", "all", "all"),
        (".", ".", "all", "all"),
        ("src", ".", "some", "some"),
        ("src", "src", "all", "all"),
        ("src", "src/a/b", "all", "all"),
        ("src", "srcs", "none", "none"),
        ("a/*/c", "a", "some", "some"),
        ("a/*/c", "a/x", "some", "some"),
        ("a/*/c", "a/x/c/d", "all", "all"),
        ("a/*/c", "a/x/d", "none", "none"),
        # BuildKit asks for ** at any depth
        ("**/*.py", "x.py", "some", "all"),
        ("**/*.py", "a/x.py", "all", "all"),
        ("**/*.py", "a/b/x.py", "none", "all"),
        ("**/*.py", "a/b", "none", "some"),
        ("**/lib", "a/b/lib/x/y", "none", "all"),
        ("src/**", "src/a/b", "all", "all"),
        ("src/**", "lib", "none", "none"),
    ],
)
def test_path_matcher(pattern: str, path: str, classic: str, buildkit: str) -> None:
    assert PathMatcher(pattern, deep=False).cover(path) == classic
    assert PathMatcher(pattern, deep=True).cover(path) == buildkit
