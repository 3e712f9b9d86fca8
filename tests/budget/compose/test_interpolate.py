"""Variables in Compose files: the specification's table, and the ways to get them wrong."""

from __future__ import annotations

import pytest

from ctxsize.budget.compose.interpolate import interpolate
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
    with pytest.raises(ConfigError, match=r"the variable UNSET is not set: say the \$NAME "):
        interpolate("${UNSET:?say the $NAME}", VARIABLES, "x")
    with pytest.raises(ConfigError, match="EMPTY is not set"):
        interpolate("${EMPTY:?}", VARIABLES, "x")


def test_nesting_ends() -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        interpolate("${A:-" * 1000 + "}" * 1000, {}, "x")


@pytest.mark.parametrize("text", ["${UNSET:?$SECRET}", "pa$$w0rd$!hunter2", "${hunter2", "${UNSET!hunter2}"])
def test_an_error_shows_no_value(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        interpolate(text, {"SECRET": "hunter2"}, "compose.yaml:3")
    assert "hunter2" not in str(caught.value)


def test_a_value_is_never_longer_than_the_system_allows() -> None:
    with pytest.raises(ConfigError, match="more than 131072 characters"):
        interpolate("$A" * 200, {"A": "a" * 1000}, "compose.yaml:3")
