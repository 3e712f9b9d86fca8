"""The text that every path a pattern matches must have in one of its names."""

from __future__ import annotations

import random

import pytest

from ctxsize.ignore import PatternError
from ctxsize.ignore.literals import Literals
from ctxsize.ignore.pattern import Kind, compile_pattern, matches_path, refused_by_go
from tests.support.seeds import seeds


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("node_modules", "/node_modules"),
        ("**/a/**", "/a"),
        ("*.pyc", ".pyc"),
        ("x[a-z]1?", "x"),
        ("a\\*b", "a"),
        ("x**/a", "x"),  # it matches xa, so that a need not be a name
        ("", None),
        ("**/*", None),
        ("a|*", None),  # the second alternative needs none
        ("ab{0}c", "/ab{0}c"),  # without a wildcard a plain text
        ("b{0}a*", "a"),  # no b at all
        ("a|b", "/a|b"),
        ("*{2}b", None),  # Go refuses it
        ("a{2,1}b*", None),
        ("a{1}b{1}c{1}d{1}*", None),  # many of them can be too large
        ("x|a{1000}*", None),
        ("\\Qa\\Eb", None),
        ("[[:alpha:]]a", "a"),
        ("\\p{Greek}a\\x41", "a"),
        ("[^]a]b", None),  # where the class ends is not seen at a glance
        ("[[]b", "b"),
        ("^a*", "a"),
        ("\ufeffa*", "a"),
        ("\udcffa", "a"),
    ],
)
def test_a_pattern_needs_a_text(pattern: str, text: str | None) -> None:
    literals = Literals([pattern])

    assert literals.others == ([] if text else [pattern])
    assert literals.texts((text or "").removeprefix("/").split("/")) == ({text} if text else set())


def test_each_alternative_needs_a_text_of_its_own() -> None:
    literals = Literals(["a?x|b*", "*b|c"])

    assert literals.others == []
    assert literals.patterns(literals.texts(["ax"])) == ["a?x|b*"]
    assert literals.patterns(literals.texts(["c"])) == ["*b|c"]
    assert {*literals.patterns(literals.texts(["b"]))} == {"a?x|b*", "*b|c"}


def test_patterns_that_very_many_share_a_text_with_have_none() -> None:
    many = [f"a|*{number}" for number in range(600)]
    literals = Literals([*many, "*b"])

    assert {*literals.others} == {*many}
    assert literals.patterns(literals.texts(["a12b"])) == ["*b"]


def test_the_rarest_text_is_taken() -> None:
    literals = Literals(["*a*1*", "*a*2*", "src/3", "src/4"])

    assert literals.texts(["a", "src"]) == set()
    assert literals.patterns(literals.texts(["x2y"])) == ["*a*2*"]
    assert literals.patterns(literals.texts(["4"])) == ["src/4"]


def test_a_whole_name_is_not_found_in_a_longer_one() -> None:
    assert Literals(["**/lib"]).texts(["libs", "mylib"]) == set()


def test_classes_that_go_refuses() -> None:
    patterns = ["a[z-a]", "b[a-z]", "c[+-.]", "d[^9-0]e[a]", "f[[:nothing:]]", "g[[:alpha:]]", "h[[(-$]"]

    assert sorted(Literals(patterns).refused()) == ["a[z-a]", "d[^9-0]e[a]", "f[[:nothing:]]", "h[[(-$]"]


def test_characters_that_go_refuses() -> None:
    patterns = ["a\\pL", "b\\pX", "c\\p{^Greek}", "d\\p{Nothing}", "e\\x41", "f\\x{110000}", "g\\\\pX"]

    assert sorted(Literals(patterns).refused()) == ["b\\pX", "d\\p{Nothing}", "f\\x{110000}"]


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_no_path_is_matched_without_the_text(seed: int) -> None:
    """Random patterns over a small alphabet, on all paths that they match; what is refused is named."""
    rng = random.Random(seed)
    pieces = ["a", "b", "*", "**", "/", "?", "[ab]", "\\a", "\\*", ".", "$", "\\b", "a/", "**/", "/**"]
    pieces += [
        "|",
        "|",
        "a{2}",
        "b{0}",
        "a{0,}",
        "{",
        "^",
        "[[:alpha:]]",
        "\\pL",
        "\\x61",
        "\udcff",
        "\ufeff",
    ]
    matched = 0
    for _ in range(2_400):
        pattern = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 6)))
        program, literals = compile_pattern(pattern), Literals([pattern])
        if not literals.others and program.kind is Kind.REGEX:
            assert bool(literals.refused()) == bool(refused_by_go([program.regex])), pattern
        for _ in range(6):
            path = "".join(rng.choice(["a", "b", "/", ".", "$", "\udcff"]) for _ in range(rng.randint(1, 6)))
            try:
                found = "//" not in path and path.strip("/") == path and matches_path(program, path)
            except PatternError:
                break
            if found:
                matched += 1
                assert literals.others or literals.texts(path.split("/")), (pattern, path)
    assert matched > 400
