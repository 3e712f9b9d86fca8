"""Any configuration, baseline, size or variable: it is read, or one line says what is wrong with it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ctxsize.budget.baseline import load_baseline
from ctxsize.budget.config import load_config
from ctxsize.budget.limits import KINDS
from ctxsize.budget.options import environment_budget, options_budget
from ctxsize.budget.sizes import AmountError, parse_bytes, parse_files, parse_share
from ctxsize.errors import ConfigError
from tests.fuzz.profile import effort

REFERENCE = (
    Path(__file__).parents[2].joinpath("docs/check.md").read_text().split("```toml\n")[1].split("```")[0]
)
BASELINE = (
    '{"schema": 1, "targets": {"a": {"context": {"bytes": 1, "files": 2, "paths":'
    ' [{"path": "a", "bytes": 1}], "complete": true},'
    ' "image": {"bytes": 1, "pull_bytes": 2}, "build": {"runs": [1.0]}}}}'
)
COMPARISON = (
    '{"schema": 1, "project": {"context": "a"}, "variants": {"with": {"context": {"bytes": 1, "files": 2},'
    ' "image": {"bytes": 1, "pull_bytes": 2}, "build": {"runs": [1.0]}}}}'
)
PIECES = st.sampled_from(
    [
        *(
            b"[",
            b"]",
            b'"',
            b"'",
            b"=",
            b"\n",
            b"{",
            b"}",
            b".",
            b",",
            b":",
            b'"""',
            b"\\u0000",
            b"\0",
            b"\xff",
        ),
        *(
            b"1e400",
            b"nan",
            b"inf",
            b"-1",
            b"true",
            b"null",
            b"1979-05-27",
            b"9" * 30,
            b"[[a]]",
            b"%",
            b"off",
        ),
        *(b"targets", b"budget", b"growth", b"MB", b"..", b"/", b"x" * 300),
    ]
)
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 20), st.one_of(PIECES, st.binary(max_size=3))), max_size=4
)


def edited(text: str, edits: list[tuple[float, int, bytes]]) -> bytes:
    """The text with some bytes taken away and others put there."""
    data = text.encode()
    for place, length, piece in edits:
        at = int(place * len(data))
        data = data[:at] + piece + data[at + length :]
    return data


@given(EDITS)
@effort(50)
def test_a_configuration_is_read_or_refused_with_its_name(edits: list[tuple[float, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, ".ctxsize.toml").write_bytes(edited(REFERENCE, edits))
        try:
            load_config(directory)
        except ConfigError as error:
            assert ".ctxsize.toml" in str(error.where)
            assert len(str(error)) < 1500


@given(st.sampled_from([BASELINE, COMPARISON]), EDITS)
@effort(50)
def test_a_baseline_is_read_or_refused(text: str, edits: list[tuple[float, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "b.json")
        path.write_bytes(edited(text, edits))
        try:
            baseline = load_baseline(path)
        except ConfigError as error:
            assert str(path) in str(error.where)
            return
        for past in baseline.targets.values():
            assert past.context_bytes is None or past.context_bytes >= 0
            assert all(run >= 0 for run in past.runs)


AMOUNTS = st.text("0123456789eE+-. kKMGTPZYBib%_\t٣\u00a0", max_size=40)


@given(AMOUNTS)
@effort(100)
def test_an_amount_is_an_integer_that_is_not_negative_or_none(text: str) -> None:
    for parse in (parse_bytes, parse_files, parse_share):
        try:
            found = parse(text)
        except AmountError as error:
            assert len(str(error)) < 200
            continue
        if isinstance(found, int):
            assert found >= 0


@given(st.sampled_from([*KINDS, "forbid", "imgae", "growth"]), AMOUNTS)
@effort(40)
def test_variables_and_options_are_read_or_refused(name: str, text: str) -> None:
    variable = "CTXSIZE_" + name.replace(".", "_").replace("-", "_").upper()
    for read in (
        lambda: environment_budget({variable: text.replace("\0", "")}),
        lambda: options_budget([f"{name}={text}"], [], []),
    ):
        try:
            read()
        except ConfigError as error:
            assert error.where is not None
