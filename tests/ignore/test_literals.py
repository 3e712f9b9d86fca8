"""The text that every path a pattern matches must have in one of its names."""

from __future__ import annotations

import random

import pytest

from ctxsize.ignore.literals import Literals
from ctxsize.ignore.pattern import compile_pattern, matches_path


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
        ("a|b*", None),  # either
        ("a{0}b", None),  # no a at all
        ("\\Qa\\Eb", None),
        ("[^]a]b", None),  # where the class ends is not seen at a glance
        ("\ufeffa*", None),
        ("\udcffa", None),
    ],
)
def test_a_pattern_needs_a_text(pattern: str, text: str | None) -> None:
    literals = Literals([pattern])

    assert literals.others == ([] if text else [pattern])
    assert literals.texts((text or "").removeprefix("/").split("/")) == ({text} if text else set())


def test_the_rarest_text_is_taken() -> None:
    literals = Literals(["*a*1*", "*a*2*", "src/3", "src/4"])

    assert literals.texts(["a", "src"]) == set()
    assert literals.patterns(literals.texts(["x2y"])) == ["*a*2*"]
    assert literals.patterns(literals.texts(["4"])) == ["src/4"]


def test_a_whole_name_is_not_found_in_a_longer_one() -> None:
    assert Literals(["**/lib"]).texts(["libs", "mylib"]) == set()


def test_classes_that_go_refuses() -> None:
    patterns = ["a[z-a]", "b[a-z]", "c[+-.]", "d[^9-0]e[a]"]

    assert sorted(Literals(patterns).refused()) == ["a[z-a]", "d[^9-0]e[a]"]


def test_no_path_is_matched_without_the_text() -> None:
    """Random patterns over a small alphabet, on all paths that they match."""
    rng = random.Random(3)
    pieces = ["a", "b", "*", "**", "/", "?", "[ab]", "\\a", "\\*", ".", "$", "\\b", "a/", "**/", "/**"]
    matched = 0
    for _ in range(4000):
        pattern = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 6)))
        program, literals = compile_pattern(pattern), Literals([pattern])
        for _ in range(6):
            path = "".join(rng.choice(["a", "b", "/", ".", "$", "*"]) for _ in range(rng.randint(1, 6)))
            if "//" not in path and path.strip("/") == path and matches_path(program, path):
                matched += 1
                assert literals.others or literals.texts(path.split("/")), (pattern, path)
    assert matched > 500
