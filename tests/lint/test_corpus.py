"""Each finding of the corpus is found, and nothing else: the clean twins and the good projects stay clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.corpus import CASES, Case
from tests.lint.trees import lint, places, write


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_findings_are_those_expected(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "project"
    write(case, root)
    assert places(lint(case, root)) == sorted(case.expected)
