"""Which findings count: select, ignore, severity and fail-on, from the configuration and over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.budget.config import load_config
from ctxsize.budget.linting.lint import LintOptions, lint
from ctxsize.errors import ConfigError
from ctxsize.lint.config import LintConfig, check_codes
from ctxsize.lint.types import LintReport


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a warning, an error and information."""
    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    (tmp_path / "web" / "node_modules" / "x").write_text("x")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / ".dockerignore").write_text("node_modules\nweb # all\n")
    return tmp_path


def told(report: LintReport) -> dict[str, str]:
    return {found.code: found.severity for target in report.targets for found in target.findings}


def configure(root: Path, text: str) -> Path:
    (root / ".ctxsize.toml").write_text(text)
    return root


def test_without_a_configuration_all_is_told(root: Path) -> None:
    report = lint(root)
    assert told(report) == {"CX101": "warning", "CX102": "error", "CX503": "info"}
    assert report.exit_code == 1
    assert (report.total.errors, report.total.warnings, report.total.infos) == (1, 1, 1)


@pytest.mark.parametrize(
    "text, codes",
    [
        ('[lint]\nselect = ["CX1"]\n', ["CX101", "CX102"]),
        ('[lint]\nignore = ["CX1"]\n', ["CX503"]),
        ('[lint]\nselect = ["CX101"]\nignore = ["CX1"]\n', ["CX101"]),
        ('[lint]\nselect = ["ALL"]\nignore = ["cx503"]\n', ["CX101", "CX102"]),
        ("[lint]\nselect = []\n", []),
    ],
)
def test_select_and_ignore(root: Path, text: str, codes: list[str]) -> None:
    assert sorted(told(lint(configure(root, text)))) == codes


def test_a_pyproject_has_it_too(root: Path) -> None:
    (root / "pyproject.toml").write_text('[tool.ctxsize.lint]\nselect = ["CX102"]\n')
    assert list(told(lint(root))) == ["CX102"]


def test_severities(root: Path) -> None:
    text = '[lint.severity]\nCX1 = "info"\nCX102 = "warning"\nCX503 = "error"\n'
    assert told(lint(configure(root, text))) == {"CX101": "info", "CX102": "warning", "CX503": "error"}


@pytest.mark.parametrize(
    "text, code",
    [
        ('[lint]\nfail-on = "error"\n', 1),
        ('[lint]\nfail-on = "error"\nignore = ["CX102"]\n', 0),
        ('[lint]\nfail-on = "never"\n', 0),
        ('[lint]\nselect = ["CX503"]\n', 0),
        ('[lint.severity]\nCX = "info"\n', 0),
    ],
)
def test_information_never_fails(root: Path, text: str, code: int) -> None:
    assert lint(configure(root, text)).exit_code == code


def test_a_target_has_its_own(root: Path) -> None:
    (root / "api").mkdir()
    (root / "api" / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    text = """
        [lint]
        ignore = ["CX503"]
        [targets.web]
        path = "."
        lint = { select = ["CX102"] }
        [targets.api]
        path = "api"
        """
    report = lint(configure(root, text))
    assert {target.name: [found.code for found in target.findings] for target in report.targets} == {
        "web": ["CX102"],
        "api": ["CX009"],
    }


def test_options_go_over_the_configuration(root: Path) -> None:
    configure(root, '[lint]\nselect = ["CX1"]\nfail-on = "never"\n')
    options = LintOptions(config=LintConfig(select=("CX503",), fail_on="warning"))
    assert list(told(lint(root, options=options))) == ["CX503"]


@pytest.mark.parametrize(
    "text, message",
    [
        ('[lint]\nselect = ["CX7"]\n', "2: no finding has the code 'CX7'"),
        ('[lint]\nselekt = ["CX1"]\n', "2: unknown key 'selekt' (did you mean select?)"),
        ('[lint]\nfail-on = "info"\n', "2: unknown value of fail-on 'info'"),
        ('[lint.severity]\nCX101 = "low"\n', "2: unknown severity 'low'"),
        ("[lint]\nselect = 1\n", "2: lint.select must be a list of strings"),
        ("lint = true\n", "1: lint must be a table"),
    ],
)
def test_a_wrong_configuration_is_refused(root: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(configure(root, text))
    assert message in str(caught.value)


def test_codes_are_checked() -> None:
    assert check_codes(["cx101", "CX2", "all"], "x") == ("CX101", "CX2", "CX")
    with pytest.raises(ConfigError):
        check_codes([""], "x")
