"""Which paths one pattern matches, and the pattern as a class for pathspec."""

from __future__ import annotations

import copy

import pathspec
import pytest

from ctxsize.ignore import DockerPattern, PatternError
from ctxsize.ignore.pattern import Op, compile_pattern, matches_path
from tests.support.yardstick import within


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        # Anchored at the root
        ("node_modules", "node_modules", "web/node_modules node_modules2 xnode_modules"),
        (
            "**/node_modules",
            "node_modules web/node_modules a/b/node_modules",
            "xnode_modules a/xnode_modules",
        ),
        ("/a/b", "a/b", "x/a/b a"),
        ("a/", "a", "b"),
        ("A", "A", "a"),
        # One star and ? stay in a component
        ("*", "a .a", "a/b"),
        ("*.py", "a.py .py", "a.pyc d/a.py"),
        ("*/temp*", "d/temporary.txt d/temp", "temp d/sub/temp"),  # Docker's documentation
        ("*/*/temp*", "a/b/temporary.txt", "a/temp temp"),
        ("temp?", "tempa tempb", "temp tempab temp/"),
        ("**/*.go", "a.go x/a.go x/y/a.go", "a.gox"),
        ("a*c", "ac abc axxc", "a/c abcd"),
        ("*a*", "a xax", "x b/a"),
        (".*", ".a .git", "a x/.a"),
        # Two stars cross components
        ("**", "a a/b", ""),
        ("foo**", "foo foobar foo/x", "fo xfoo"),
        ("**.pyc", ".pyc a.pyc d/a.pyc", "a.py a.pycx"),
        ("**.py?", ".pyc d/.pyc", "a.pyc d/a.pyc"),
        ("a**b", "ab a/b ax/b a/x/b", "axb a/xb"),
        ("a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb"),
        ("a/**", "a/b a/b/c", "a ab"),
        ("dir/**", "dir/x", "dir"),
        ("*/**", "a/b a/b/c", "a"),
        ("**/a/**", "a/b x/a/b", "a x/a"),
        ("***", "a x/a", ""),
        ("**a", "a xa x/xa", "ax"),
        ("**a*", "a ab x/ab", "xa x/xa"),
        ("a/**/**/b", "a/b a/x/b", "ab"),
        ("**/a", "a x/a", "xa"),
        # Classes, as Go's regexp reads them
        ("[ab]", "a b", "c ab"),
        ("[^a]", "b /", "a"),
        ("a[^b]c", "axc a/c", "abc"),  # a negated class matches the slash
        ("[!a]", "! a", "b"),
        ("[a-c]x", "ax cx", "dx -x"),
        ("[\\]]", "]", "["),
        ("[a\\-c]", "a - c", "b"),
        ("a[.-0]b", "a/b a.b", "ab"),
        ("[[:alpha:]]", "a", "1 ["),
        ("[[:word:]]x", "_x", "-x"),
        ("[*]x", "]x []x ^/]x", "*x ax"),  # the star becomes [^/]* in a class, too
        ("a]", "a]", "a"),
        # Escapes, and what Go's expressions make of letters
        ("\\*", "*", "a"),
        ("\\?x", "?x", "ax"),
        ("\\[a]", "[a]", "a"),
        ("a\\\\b", "a\\b", "ab"),
        ("\\d", "1", "d"),
        ("a\\Wb", "a/b a-b", "axb"),
        ("\\pL*", "ab é", "1"),
        ("\\x41", "A", "x41"),
        ("\\.\\-\\_", ".-_", "a"),
        ("x*\\", "x$ xa$ x$/foo", "x x\\"),  # a lone backslash escapes the $ at the expression's end
        # Operators that are escaped, and those that are not
        ("a.b*", "a.b a.bc", "axb"),
        ("a+*", "a+ a+b", "aa"),
        ("(a)*", "(a)", "a"),
        ("a$*", "a$", "a"),
        ("a{2}*", "aa aab", "a{2}"),
        ("a{2}", "a{2}", "aa"),
        ("a|b*", "a ax a/x b xb/b", "x/c"),
        ("a|b", "a|b", "a b"),
        ("^a", "^a", "a"),
        ("^a*", "a ab", "^a"),
        ("a^b", "a^b", "ab"),
        ("a^b*", "", "a^b ab"),
        # Unicode and bytes that are not UTF-8
        ("é", "é", "e\u0301"),
        ("?", "é 日 \udce9", "ab e\u0301"),
        ("[é]", "é", "e"),
        ("caf\udce9", "caf\udce9", "café caf\ufffd"),
        (
            "caf\udce9*",
            "caf\udce9 caf\ufffd caf\udcff",
            "café",
        ),  # U+FFFD to the expression, and so is the name
        ("**\udca9", "é", "\udce9"),  # a suffix is compared by bytes
        ("*\udca9", "\udca9", "é"),
        ("\ufeffa", "\ufeffa", "a"),
        ("\ufeffa*", "a ab", "\ufeffa"),  # a byte order mark at its start is not part of an expression
        ("\ufeff**a", "", "a \ufeffa xa"),
        # Newlines: the dot of ** does not match them, the class of * does
        ("a*b", "a\nb", ""),
        ("**/b*", "b a/b", "a\n/b"),
        ("**/b", "a\n/b", ""),
        ("*/**", "a/b", "a/b\n a/b/\n"),
        # Nothing at all
        ("/", "", "a"),
        (".", "", "a"),
        ("../a", "", "a"),
    ],
)
def test_a_pattern_matches(pattern: str, matching: str, others: str) -> None:
    program = compile_pattern(DockerPattern(pattern).cleaned)

    assert [path for path in matching.split(" ") if path and not matches_path(program, path)] == []
    assert [path for path in others.split(" ") if path and matches_path(program, path)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "x*[a",
        "[b-a]",
        "[[:foo:]]",
        "[a-\\d]",
        "\\pX*",
        "\\C",
        "\\G",
        "\\é",
        "\\1",
        "x{1001}*",
        "\\E*",
        "\\8",
        "*{2}",
    ],
)
def test_an_expression_go_refuses_fails_when_it_is_used(pattern: str) -> None:
    program = compile_pattern(pattern)
    with pytest.raises(PatternError):
        matches_path(program, "a")


@pytest.mark.parametrize(
    ("pattern", "ops"),
    [
        ("a/b", [Op.LITERAL, Op.LITERAL]),
        ("**/*.py", [Op.STAR, Op.SUFFIX]),
        ("a/**", [Op.LITERAL, Op.TAIL]),
        ("foo**", [Op.PREFIX, Op.TAIL]),
        ("src/*/x?", [Op.LITERAL, Op.ANY, Op.REGEX]),
        ("a/[a-c]*", [Op.LITERAL, Op.REGEX]),
        ("a/**/**/b", [Op.LITERAL, Op.STAR, Op.LITERAL]),
        ("a/[^b]", [Op.LITERAL, Op.WHOLE]),
        ("src/a**b", [Op.LITERAL, Op.WHOLE]),
        ("src/x|y*", [Op.WHOLE]),
        ("src/a{0,1}b?", [Op.WHOLE]),
    ],
)
def test_a_pattern_is_taken_apart_where_that_is_exact(pattern: str, ops: list[Op]) -> None:
    assert [element.op for element in compile_pattern(pattern).elements] == ops


@pytest.mark.parametrize("backend", ["simple", "re2"])
def test_pathspec_uses_the_patterns(backend: str) -> None:
    lines = ["# comment", "", "node_modules", "**/*.pyc", "!keep.pyc"]
    spec = pathspec.PathSpec([DockerPattern(line) for line in lines], backend=backend)
    paths = ["node_modules/x", "web/node_modules/x", "a.pyc", "d/b.pyc", "keep.pyc", "# comment"]
    assert list(spec.match_files(paths)) == ["node_modules/x", "a.pyc", "d/b.pyc"]
    assert [pattern.include for pattern in spec.patterns] == [None, None, True, True, False]


_PATHS = [
    "a",
    "b",
    "ab",
    "a/b",
    "x/a",
    "x/a/y",
    "a.py",
    "d/a.py/x",
    "foo",
    "foobar/x",
    "x$",
    "x$/a",
    "a\nb",
    "aa/b",
]


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "*",
        "**",
        "a/*",
        "**/a",
        "**.py",
        "foo**",
        "?",
        "a**b",
        "[^a]",
        "x*\\",
        "a|b*",
        "a{2}*",
        "\\Qa*",
        "*/**",
    ],
)
def test_the_expression_for_pathspecs_re2_backend_matches_the_same(pattern: str) -> None:
    one = DockerPattern(pattern)
    assert one.regex is not None
    for path in _PATHS:
        assert bool(one.regex.search(path)) == bool(one.match_file(path)), path


def test_pathspec_reads_lines_by_the_class() -> None:
    assert pathspec.PathSpec.from_lines(DockerPattern, ["*.log", "!a.log"]).match_file("b.log")


def test_a_pattern_is_a_value() -> None:
    assert DockerPattern("./a/") == DockerPattern("a") != DockerPattern("!a")
    assert copy.copy(DockerPattern("!a")) == DockerPattern("!a")
    assert len({DockerPattern("a"), DockerPattern(b"a"), DockerPattern("b")}) == 2
    assert DockerPattern(b"caf\xe9").match_file(b"caf\xe9/x") is not None


@pytest.mark.parametrize("line", ["[", "!", "a\\"])
def test_pathspec_is_told_what_docker_refuses(line: str) -> None:
    with pytest.raises(PatternError):
        DockerPattern(line)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 200 + "b",
        "a*" * 2000,
        "*" * 60_000 + "a*",
        "**/" * 200 + "*b",
        "?" * 20_000,
        "a" * 60_000 + "*",
        "**/*a" * 100,
        "[a-z]*" * 500,
        "a**" * 200 + "b",
    ],
    ids=lambda pattern: f"{pattern[:6]}…{len(pattern)}",
)
def test_a_hostile_pattern_is_answered_in_a_second(pattern: str) -> None:
    paths = ("a" * 2000, "a/" * 500 + "c")
    assert within(1, lambda: [matches_path(compile_pattern(pattern), path) for path in paths])
