"""The fixture projects that are clean stay clean: a false finding costs trust."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ctxsize.lint.lint import lint_project

#: What is said of each that is not only information.
SEVERE = {
    "derived": set(),
    "flask-gunicorn": set(),
    "node-heavy": set(),
    "chown": set(),
}


@pytest.mark.parametrize("name", SEVERE)
def test_nothing_severe(make_fixture: Callable[..., Path], name: str) -> None:
    found = lint_project(make_fixture(name, scale=0.01)).findings
    assert {each.code for each in found if each.severity != "info"} == SEVERE[name]


def test_what_is_ignored_and_needed(make_fixture: Callable[..., Path]) -> None:
    assert "CX401" in {each.code for each in lint_project(make_fixture("ignored-but-needed")).findings}
