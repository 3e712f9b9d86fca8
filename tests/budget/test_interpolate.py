"""Variables in Compose files: the specification's table, and the ways to get them wrong."""

from __future__ import annotations

import pytest

from ctxsize.budget.interpolate import interpolate
from ctxsize.errors import ConfigError

VARIABLES = {"NAME": "shop", "EMPTY": "", "OTHER": "x}y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$NAME", "shop"),
        ("${NAME}", "shop"),
        ("a-$NAME/b", "a-shop/b"),
        ("${NAME}1$NAME", "shop1shop"),
        ("$$NAME", "$NAME"),
        ("$${NAME}", "${NAME}"),
        ("${UNSET}", ""),
        ("$UNSET.", "."),
        ("${UNSET:-b}", "b"),
        ("${UNSET-b}", "b"),
        ("${EMPTY:-b}", "b"),
        ("${EMPTY-b}", ""),
        ("${NAME:-b}", "shop"),
        ("${NAME:+b}", "b"),
        ("${NAME+b}", "b"),
        ("${EMPTY:+b}", ""),
        ("${EMPTY+b}", "b"),
        ("${UNSET+b}", ""),
        ("${UNSET:-}", ""),
        ("${UNSET:-a:-b}", "a:-b"),
        ("${UNSET:-${NAME}}", "shop"),
        ("${UNSET:-${ALSO:-${NAME}-2}}", "shop-2"),
        ("${UNSET:-$NAME}", "shop"),
        ("${NAME:?must be set}", "shop"),
        ("${EMPTY?must be set}", ""),
        ("${OTHER}", "x}y"),
    ],
)
def test_the_specifications_cases(text: str, expected: str) -> None:
    assert interpolate(text, VARIABLES, "compose.yaml:1") == expected


@pytest.mark.parametrize(
    "text", ["$", "a$ b", "${", "${}", "${NAME", "${1}", "$1", "${NAME!}", "${UNSET:-${NAME}"]
)
def test_malformed_ones_are_refused_with_the_place(text: str) -> None:
    with pytest.raises(ConfigError, match=r"compose\.yaml:7: malformed variable"):
        interpolate(text, VARIABLES, "compose.yaml:7")


def test_a_required_one_says_why() -> None:
    with pytest.raises(ConfigError, match="the variable UNSET is not set: say the shop"):
        interpolate("${UNSET:?say the $NAME}", VARIABLES, "x")
    with pytest.raises(ConfigError, match="EMPTY is not set"):
        interpolate("${EMPTY:?}", VARIABLES, "x")


def test_nesting_ends() -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        interpolate("${A:-" * 1000 + "}" * 1000, {}, "x")
