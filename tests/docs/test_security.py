"""docs/security.md promises nothing that is not tested."""

from __future__ import annotations

import re

from tests.support.ci import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()
(TABLE,) = re.findall(r"\| promise \| against \| tests \|\n\|[- |]+\|\n((?:\|.*\n)+)", TEXT)


def test_every_promise_names_whom_it_is_made_against_and_tests_that_exist() -> None:
    for row in TABLE.splitlines():
        promise, against, tests = (cell.strip() for cell in row.strip("|").split("|"))

        assert promise and against, row
        named = re.findall(r"`(tests/[^`]+)`", tests)
        assert named, f"not tested: {promise}"
        assert all((ROOT / name).exists() for name in named), row


def test_the_way_to_report_is_named() -> None:
    assert "(../SECURITY.md)" in TEXT
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text()
