"""Variables, word by word and in scope. The rows were built on Docker 28.5 or follow its reference."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.expand import (
    ExpansionError,
    Scope,
    UnknownVariable,
    env_pairs,
    expand,
    global_scope,
)
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.platforms import platform_args

VALUES = {"A": "a.b.c", "E": "", "W": "two words", "U_1": "u"}

WORDS = [
    # word, expanded
    ("plain", "plain"),
    ("$A", "a.b.c"),
    ("${A}", "a.b.c"),
    ("x${A}y$A.z", "xa.b.cya.b.c.z"),
    ("$U_1-$NOPE-", "u--"),
    ("$W", "two words"),
    ("\\$A", "$A"),
    ("\\\\$A", "\\a.b.c"),
    ("a\\", "a"),
    ("'$A'", "$A"),
    ('"$A"', "a.b.c"),
    ('"\\$A \\" \\x"', '$A " \\x'),
    ("'a'\"b\"c", "abc"),
    ("${E:-d}${E-d}", "d"),
    ("${NOPE:-d}${NOPE-e}", "de"),
    ("${A:+y}${A+z}${E:+y}${E+z}${NOPE:+y}${NOPE+z}", "yzz"),
    ("${A:?no}${E?no}", "a.b.c"),
    ("${NOPE:-${A}x}", "a.b.cx"),
    ("${NOPE:-'}'}", "}"),
    ("${A#*.}|${A##*.}|${A%.*}|${A%%.*}", "b.c|c|a.b|a"),
    ("${A#x}${A%x}", "a.b.ca.b.c"),
    ("${A#?}", ".b.c"),
    ("${A/./-}|${A//./-}|${A/b*/x}", "a-b.c|a-b-c|a.x"),
    ("$", "$"),
    ("a$/b", "a$/b"),
    ("$1x", "x"),
    ("$0x$@y", "xy"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "expected"), WORDS)
def test_expand(word: str, expected: str) -> None:
    assert expand(word, VALUES.get) == expected


def test_the_escape_directive_changes_the_escape() -> None:
    assert expand("`$A\\b", VALUES.get, "`") == "$A\\b"


@pytest.mark.parametrize(
    "word", ["${", "${}", "${:x}", "${{A}", "${A", "${A!x}", "${A:x}", "'a", '"a', "${NOPE:?no}", "${E:?}"]
)
def test_words_that_docker_refuses(word: str) -> None:
    with pytest.raises(ExpansionError):
        expand(word, VALUES.get)


def value(text: str, word: str, *, buildkit: bool = True, **build_args: str) -> str:
    """What ``word`` becomes at the end of the only stage."""
    dockerfile = parse_dockerfile(text.encode(), "Dockerfile")
    outer = global_scope(
        dockerfile, build_args=build_args, buildkit=buildkit, predefined=platform_args("linux/amd64")
    )
    scope = Scope(buildkit=buildkit, build_args=build_args, outer=outer.declared())
    for instruction in dockerfile.stages[0].instructions:
        scope.apply(instruction)
    return scope.expand(word)


IN_SCOPE = [
    # Dockerfile, build arguments, $A in BuildKit, $A in the classic builder
    ("FROM x\nARG A=1\n", {}, "1", "1"),
    ("FROM x\nARG A=1\n", {"A": "2"}, "2", "2"),
    ("FROM x\nARG A\n", {"A": "2"}, "2", "2"),
    ("FROM x\n", {"A": "2"}, "", ""),
    ("FROM x\nARG A\n", {}, "", ""),
    ("ARG A=1\nFROM x\n", {}, "", ""),
    ("ARG A=1\nFROM x\nARG A\n", {}, "1", "1"),
    ("ARG A=1\nFROM x\nARG A=2\n", {}, "2", "2"),
    ("ARG A=1\nFROM x\nARG A=2\n", {"A": "3"}, "3", "3"),
    ("FROM x\nARG A=1\nENV A=2\n", {"A": "3"}, "2", "2"),
    ("FROM x\nENV A=1\nARG A=2\n", {}, "2", "1"),
    ("FROM x\nENV A=1\nARG A\n", {"A": "2"}, "2", "1"),
    ("FROM x\nENV A=1\nARG A\n", {}, "1", "1"),
    ("FROM x\nARG B=1 A=$B\n", {}, "1", ""),
    ("FROM x\nARG B=1\nARG A=$B\n", {}, "1", "1"),
    ("FROM x\nENV B=1 A=$B\n", {}, "", ""),
    ("FROM x\nENV A=0\nENV A=1 B=$A\nENV A=$B\n", {}, "0", "0"),
    ("FROM x\nENV A some  words\n", {}, "some  words", "some  words"),
    ('FROM x\nENV A="q  r" B=x\\ y\n', {}, "q  r", "q  r"),
    ("ARG B=1\nARG A=$B\nFROM x\nARG A\n", {}, "1", "1"),
    ("FROM x\nARG TARGETARCH\nENV A=$TARGETARCH\n", {}, "amd64", ""),
    ("FROM x\nENV A=$TARGETARCH\n", {}, "", ""),
    ("ARG TARGETARCH=z\nFROM x\nARG TARGETARCH\nENV A=$TARGETARCH\n", {}, "z", "z"),
    ("FROM x\nARG HTTP_PROXY\nENV A=$HTTP_PROXY\n", {"HTTP_PROXY": "p"}, "p", "p"),
    ("FROM x\nENV A=$HTTP_PROXY\n", {"HTTP_PROXY": "p"}, "", ""),
]


@pytest.mark.parametrize(("text", "build_args", "buildkit", "classic"), IN_SCOPE)
def test_arg_and_env(text: str, build_args: dict[str, str], buildkit: str, classic: str) -> None:
    assert value(text, "$A", buildkit=True, **build_args) == buildkit
    assert value(text, "$A", buildkit=False, **build_args) == classic


def test_a_variable_of_an_unknown_base_image_is_not_taken_for_unset() -> None:
    scope = Scope(complete=False)
    with pytest.raises(UnknownVariable):
        scope.expand("${HOME:-/root}")


def test_a_variable_made_from_an_unknown_one_is_unknown_itself() -> None:
    scope = Scope(complete=False)
    for instruction in parse_dockerfile(b"FROM x\nENV A=$HOME/x B=1\n", "Dockerfile").stages[0].instructions:
        scope.apply(instruction)
    assert scope.expand("$B") == "1"
    with pytest.raises(UnknownVariable):
        scope.expand("$A")


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("ENV a=b", (("a", "b"),)),
        ('ENV a="b c" d=e=f', (("a", '"b c"'), ("d", "e=f"))),
        ("ENV a b  c", (("a", "b  c"),)),
        ("ENV a", ()),
    ],
)
def test_env_pairs(line: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert env_pairs(parse_dockerfile(f"FROM x\n{line}\n".encode(), "Dockerfile").instructions[1]) == pairs


@pytest.mark.parametrize(("args", "base"), [({}, "bin-linux"), ({"TARGETOS": "windows"}, "bin-windows")])
def test_a_given_platform_argument_wins_over_the_builders_own(args: dict[str, str], base: str) -> None:
    """Built on Docker 20.10: no ARG before the FROM is needed."""
    dockerfile = parse_dockerfile(b"FROM bin-$TARGETOS\n", "Dockerfile")
    predefined = platform_args("linux/amd64")
    scope = global_scope(dockerfile, build_args=args, buildkit=True, predefined=predefined)

    assert scope.expand("bin-$TARGETOS") == base
