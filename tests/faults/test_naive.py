"""The rows of ``make naive`` still say what to change: a text that is gone would make them prove nothing."""

from __future__ import annotations

import re

import pytest

from tests.faults.naive import ROOT, ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_a_row_changes_is_there_once(row: Row) -> None:
    for change in row.changes:
        assert (ROOT / change.path).read_text().count(change.old) == 1, change.old


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_tests_a_row_names_are_there(row: Row) -> None:
    written = "\n".join(path.read_text() for path in (ROOT / "tests/faults").glob("test_*.py"))

    for test in row.tests:
        name = test.rpartition("::")[2].partition("[")[0]
        assert re.search(rf"^def {name}\(", written, re.MULTILINE), test
