"""A target of a check is opened, resolved and scanned once, whatever it is held against, and so is a context
that several targets share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.budget.check import CheckOptions, check
from ctxsize.budget.compose.targets import compose_targets
from ctxsize.budget.config import Target
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


def test_with_everything_on_no_directory_is_read_twice(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (app / "out/docs").mkdir(parents=True)
    (app / "out/docs/kept.md").write_text("kept")
    (app / "src/node_modules").mkdir()
    (app / "src/node_modules/x").write_text("x")
    (app / ".dockerignore").write_text("node_modules\n*.log\nout\n!out/docs/*.md\nsrc/keys\n")
    (app / ".ctxsize.toml").write_text(
        """
        [budget]
        context = "1 MB"
        context-files = 100
        forbid = ["**/.env", "src/keys"]
        require-ignored = ["out", "src/keys"]
        sensitive = "fail"
        lint = "warn"
        [budget.savings]
        context = "1 B"
        """
    )
    counts = count_work(monkeypatch)
    options = CheckOptions(limits=("growth.context=1 B",), save_baseline=str(app / "debug.log"))
    (target,) = check(app, options=options, environ={}).targets
    found = [(each.code, each.path) for each in target.findings if not each.code.startswith("CX")]
    assert found == [("forbidden", "src/.env"), ("not-ignored", "out")]
    assert "CX101" in [each.code for each in target.findings]
    assert {name: counts[name] for name in ONCE if name != "compilations"} == {
        name: 1
        for name in ONCE
        if name != "compilations"  # lint proves its fixes with rules of its own
    }
    assert counts["listed again"] == 0


def composed(app: Path, number: int, budget: str = "") -> tuple[Target, ...]:
    """``number`` targets of a Compose file that share a context, each with a Dockerfile of its own."""
    services = []
    for each in range(number):
        (app / f"{each}.Dockerfile").write_text("FROM scratch\nCOPY src /\n")
        services.append(f"  s{each}:\n    build: {{context: ., dockerfile: {each}.Dockerfile}}\n")
    (app / "compose.yaml").write_text("services:\n" + "".join(services))
    (app / ".ctxsize.toml").write_text(f'[budget]\ncontext = "1 MB"\nforbid = ["**/.env"]\n{budget}')
    return compose_targets([str(app / "compose.yaml")], {}).targets


def test_targets_that_share_a_context_share_a_scan(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = composed(app, 24)
    counts = count_work(monkeypatch)
    report = check(targets=targets, environ={})
    assert len(report.targets) == 24
    assert {each.sizes.context_bytes for each in report.targets} == {context_bytes(app)}
    assert all([found.path for found in each.findings] == ["src/.env"] for each in report.targets)
    assert (counts["scans"], counts["listings"], counts["listed again"]) == (1, 1, 0)


def test_rules_of_their_own_are_scanned_with_on_their_own(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = composed(app, 3)
    (app / "1.Dockerfile.dockerignore").write_text("*\n!debug.log\n")
    counts = count_work(monkeypatch)
    report = check(targets=targets, environ={})
    first, second, third = (each.sizes.context_bytes for each in report.targets)
    assert first == third == context_bytes(app)
    assert second == (app / "debug.log").stat().st_size
    assert [len(each.findings) for each in report.targets] == [1, 0, 1]
    assert counts["scans"] == 2


def test_linted_targets_that_share_a_context_read_it_once(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = composed(app, 3, 'lint = "warn"\n')
    (app / "1.Dockerfile.dockerignore").write_text("src\n")
    counts = count_work(monkeypatch)
    report = check(targets=targets, environ={})
    assert [each.error for each in report.targets] == [None] * 3
    assert (counts["listings"], counts["listed again"], counts["opens"]) == (1, 0, 3)


def context_bytes(app: Path) -> int:
    """What arrives of ``app``: everything but logs."""
    files = [each for each in app.rglob("*") if each.is_file() and each.suffix != ".log"]
    return sum(each.stat().st_size for each in files)


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
