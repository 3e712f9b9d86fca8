"""Whatever the command: one project is opened, one Dockerfile resolved, one set of rules compiled, one walk.

``check`` has the same tests of its own in tests/budget/test_work.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.api import cache, compare, context
from tests.support.counting import count_work

ONCE = {"opens": 1, "resolutions": 1, "compilations": 1, "scans": 1}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    project = tmp_path / "app"
    (project / "src").mkdir(parents=True)
    for name in ("src/main.py", "debug.log"):
        (project / name).write_text(name * 100)
    (project / "Dockerfile").write_text("FROM scratch AS base\nCOPY src /\nFROM base\nCOPY . /all\n")
    (project / ".dockerignore").write_text("*.log\n")
    return project


def test_context(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_work(monkeypatch)
    assert context(app).scan.eligible.files == 3
    assert {name: counts[name] for name in ONCE} == ONCE
    assert counts["listings"] == 1


def test_the_largest_files_are_found_by_the_same_walk(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_work(monkeypatch)
    (view,) = context(app, largest=1).views
    assert list(view.rows) == [("src/main.py", 1100)]
    assert counts["listings"] == 1


@pytest.mark.docker
def test_compare(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_work(monkeypatch)
    # Once each: more builds would be calibrated, with probe projects that are opened, too.
    assert compare(app, repeat=1).failures == {}
    assert {name: counts[name] for name in ONCE} == ONCE


@pytest.mark.docker
def test_cache(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_work(monkeypatch)
    assert cache(app, repeat=1).failures == ()
    assert {name: counts[name] for name in ONCE} == ONCE
