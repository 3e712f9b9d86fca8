"""Whatever a builder says around a value, and however it spells it, the value is not shown."""

from __future__ import annotations

import json
from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from ctxsize.masking import Masker
from tests.fuzz.profile import effort

VALUES = st.text('abc0"\\/ é&=%\u2028', min_size=8, max_size=20).filter(lambda value: value == value.strip())
AROUND = st.text("AB.:-{}$\n", max_size=5)


@given(st.lists(VALUES, min_size=1, max_size=3), AROUND, AROUND)
@effort(40)
def test_no_value_is_shown(values: list[str], before: str, after: str) -> None:
    mask = Masker.of({f"ARG{number}": value for number, value in enumerate(values)})

    for value in values:
        for spelled in (value, json.dumps(value)[1:-1], quote_plus(value)):
            assert spelled not in mask(f"{before}{spelled}{after}")


@given(st.lists(VALUES, min_size=1, max_size=4), AROUND)
@effort(40)
def test_no_line_of_a_secret_is_shown(lines: list[str], before: str) -> None:
    mask = Masker.of({}, {"ID": "\n".join(lines).encode()})

    for line in lines:
        assert line not in mask(f"{before}{line}")


@given(st.text(max_size=40), st.binary(max_size=40), st.text(max_size=60))
@effort(40)
def test_any_value_and_any_text(value: str, secret: bytes, text: str) -> None:
    assert isinstance(Masker.of({"A": value}, {"b": secret})(text), str)
