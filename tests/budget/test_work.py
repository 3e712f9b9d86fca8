"""A target of a check is opened, resolved and scanned once, whatever it is held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.budget.check import CheckOptions, check
from tests.support.counting import count_work

ONCE = {"opens": 1, "ignore files read": 1, "compilations": 1, "scans": 1, "listings": 1}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "src/keys").mkdir(parents=True)
    for name in ("src/main.py", "src/.env", "src/keys/a.pem", "debug.log"):
        (tmp_path / name).write_text(name * 100)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY src /\n")
    (tmp_path / ".dockerignore").write_text("*.log\n")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (CheckOptions(limits=("context=1 MB",)), 0),
        (CheckOptions(limits=("savings.context=1 B",)), 0),
        (CheckOptions(forbid=("**/*.log",)), 0),
        (CheckOptions(forbid=("**/.env", "src/keys")), 1),
        (CheckOptions(forbid=("src", "!src/keys")), 1),
    ],
)
def test_without_an_engine(
    app: Path, monkeypatch: pytest.MonkeyPatch, options: CheckOptions, code: int
) -> None:
    counts = count_work(monkeypatch)
    assert check(app, options=options, environ={}).exit_code == code
    assert counts == ONCE


def test_growth_is_explained_by_the_same_scan(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = str(tmp_path / "debug.log")
    counts = count_work(monkeypatch)
    check(app, options=CheckOptions(limits=("context=1 MB",), save_baseline=baseline), environ={})
    assert counts == ONCE
    (app / "src/large").write_bytes(b"x" * 5000)
    counts.clear()
    grown = CheckOptions(limits=("growth.context=1 B",), baseline=baseline)
    (target,) = check(app, options=grown, environ={}).targets
    assert [each.path for each in target.limits[0].grew] == ["src/large"]
    assert counts == ONCE


@pytest.mark.docker
def test_with_an_image(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(app.parent / "state"))
    counts = count_work(monkeypatch)
    options = CheckOptions(limits=("image=1 MB", "context=1 MB"), forbid=("src/keys",))
    (target,) = check(app, options=options, environ={}).targets
    assert (target.error, [each.path for each in target.findings]) == (None, ["src/keys"])
    once = ("opens", "compilations", "resolutions", "scans")
    assert {name: counts[name] for name in once} == dict.fromkeys(once, 1)
