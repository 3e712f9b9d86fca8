"""Findings of lint in ``check``: off by default, warnings or failures where the budget says so."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ctxsize.budget.check import check
from ctxsize.budget.options import CheckOptions
from ctxsize.budget.types import CheckReport
from ctxsize.report.formats import FORMATS, drawing
from ctxsize.report.shared.look import Look

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with a warning and information."""
    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    (tmp_path / "web" / "node_modules" / "x").write_text("x")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / ".dockerignore").write_text("node_modules\n")
    return tmp_path


def look(root: Path, budget: str, environ: dict[str, str] | None = None, **options: str) -> CheckReport:
    (root / ".ctxsize.toml").write_text(f'[budget]\ncontext = "1 MB"\n{budget}')
    return check(root, options=CheckOptions(**options), environ=environ or {})  # type: ignore[arg-type]


def told(report: CheckReport) -> list[tuple[str, str]]:
    return [(found.code, found.level) for target in report.targets for found in target.findings]


def test_nothing_without_being_asked(shop: Path) -> None:
    assert told(look(shop, "")) == []


@pytest.mark.parametrize(
    ("budget", "environ", "options", "level", "code"),
    [
        ('lint = "warn"\n', {}, {}, "warning", 0),
        ('lint = "fail"\n', {}, {}, "error", 1),
        ('lint = "fail"\n[lint]\nfail-on = "error"\n', {}, {}, "warning", 0),
        ("", {"CTXSIZE_LINT": "fail"}, {}, "error", 1),
        ('lint = "warn"\n', {"CTXSIZE_LINT": "off"}, {"lint": "fail"}, "error", 1),
    ],
)
def test_warnings_and_failures(
    shop: Path, budget: str, environ: dict[str, str], options: dict[str, str], level: str, code: int
) -> None:
    report = look(shop, budget, environ, **options)
    assert told(report) == [("CX101", level)]
    assert report.exit_code == code


def test_a_wrong_word_is_refused(shop: Path) -> None:
    with pytest.raises(Exception, match="unknown value of lint"):
        look(shop, 'lint = "maybe"\n')


@pytest.mark.parametrize("name", FORMATS["check"])
def test_every_format_tells_it(shop: Path, name: str) -> None:
    text = "".join(drawing("check", name)(look(shop, 'lint = "fail"\n'), Look()))
    assert ("CX101" in text) == (name != "sarif")  # `ctxsize lint --format sarif` has them
    if name == "json":
        jsonschema.validate(json.loads(text), json.loads((ROOT / "docs/schema/check-1.json").read_text()))


def test_a_secret_is_told_once(shop: Path) -> None:
    (shop / ".env").write_text("DB_PASSWORD=hunter2hunter2\n")
    assert told(look(shop, 'lint = "warn"\n')) == [("sensitive", "warning"), ("CX101", "warning")]
