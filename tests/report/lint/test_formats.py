"""The formats of ``ctxsize lint``: whole texts, and each held against its format's schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema
from markdown_it import MarkdownIt

from ctxsize.ignore.types import Rule
from ctxsize.lint.types import Finding, LintReport, LintTarget, LintTotals
from ctxsize.report.formats import FORMATS, drawing
from ctxsize.report.shared.look import Look
from tests.report.check.samples import HOSTILE

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "tests" / "data" / "schemas"
RULE = Rule(3, "  node_modules", "node_modules", False)
UNANCHORED = Finding(
    "CX101",
    ".dockerignore",
    "750MB, 41200 files reach it: node_modules matches at the root only",
    "warning",
    3,
    3,
    15,
    "write **/node_modules",
    41_200,
    750_000_000,
    ("web/node_modules/a.js",),
    RULE,
    "unsafe",
)
SECRET = Finding(
    "CX501", "Dockerfile", "this copies .env into the image", "error", 2, help="add .env", files=1, bytes=20
)
SUPERFLUOUS = Finding(
    "CX302", ".dockerignore", "line 3 says the same", "info", 7, 1, 5, "remove it", fix="safe"
)
LINES = {
    (".dockerignore", 3): "  node_modules",
    ("Dockerfile", 2): "COPY . .",
    (".dockerignore", 7): "logs",
}


def report(*findings: Finding, **more: Any) -> LintReport:
    """A report of one target."""
    target = LintTarget("shop", "services/shop", "Dockerfile", ".dockerignore", findings, lines=LINES, **more)
    code = 2 if target.error else int(target.failed)
    return LintReport("1.2", "2026-01-02T03:04:05+00:00", (target,), LintTotals.of([target]), code)


FULL = report(SECRET, UNANCHORED, SUPERFLUOUS, suppressed=2)
REPORTS = {
    "full": FULL,
    "nothing": report(),
    "error": report(error="no such\nfile"),
    "hostile": report(
        *(
            Finding("CX101", name, f"matches {name}", "warning", 1, 1, 3, name, 1, 1, (name,), rule)
            for name in HOSTILE
            for rule in (Rule(1, name, name, False),)
        )
    ),
}
EVERY = pytest.mark.parametrize("each", REPORTS.values(), ids=REPORTS)


def render(name: str, what: LintReport) -> str:
    text = "".join(drawing("lint", name)(what, Look()))
    text.encode()  # nothing in it that can't be written
    return text


def test_the_table() -> None:
    assert (
        render("table", FULL)
        == """\
services/shop/Dockerfile:2:1: CX501 this copies .env into the image
  2 | COPY . .
    | ^^^^^^^^ error
  help: add .env
services/shop/.dockerignore:3:3: CX101 750MB, 41200 files reach it: node_modules matches at the root only
  3 |   node_modules
    |   ^^^^^^^^^^^^ warning
  help: write **/node_modules
services/shop/.dockerignore:7:1: CX302 line 3 says the same
  7 | logs
    | ^^^^ info
  help: remove it
3 findings (1 error, 1 warning, 1 information): 750MB, 41201 files
1 safe to mend with --fix, 1 with --fix --unsafe-fixes
2 switched off by comments
"""
    )


def test_nothing_to_say() -> None:
    assert render("table", REPORTS["nothing"]) == "nothing to find fault with\n"
    assert render("concise", REPORTS["nothing"]) == ""


def test_a_target_that_could_not_be_linted() -> None:
    assert render("table", REPORTS["error"]).startswith("error: no such file\n")


def test_concise() -> None:
    assert render("concise", FULL).splitlines()[1] == (
        "services/shop/.dockerignore:3:3: CX101"
        " 750MB, 41200 files reach it: node_modules matches at the root only"
    )


@EVERY
def test_json(each: LintReport) -> None:
    document = json.loads(render("json", each))
    jsonschema.validate(document, json.loads((ROOT / "docs/schema/lint-1.json").read_text()))
    assert len(document["findings"]) == document["total"]["findings"]


def test_a_finding_in_json() -> None:
    assert json.loads(render("json", FULL))["findings"][1] == {
        "code": "CX101",
        "severity": "warning",
        "target": "shop",
        "path": "services/shop/.dockerignore",
        "line": 3,
        "column": 3,
        "end_column": 15,
        "rule": {"line": 3, "pattern": "node_modules"},
        "message": "750MB, 41200 files reach it: node_modules matches at the root only",
        "help": "write **/node_modules",
        "files": 41_200,
        "bytes": 750_000_000,
        "paths": ["web/node_modules/a.js"],
        "fix": "unsafe",
    }


def test_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    lines = render("github", FULL).splitlines()
    assert lines[1] == (
        "::warning file=services/shop/.dockerignore,line=3,col=3,endColumn=14,title=ctxsize%3A CX101 (shop)::"
        "750MB, 41200 files reach it: node_modules matches at the root only; write **/node_modules"
    )
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]


@EVERY
def test_gitlab(each: LintReport) -> None:
    issues = json.loads(render("gitlab", each))
    jsonschema.validate(issues, json.loads((SCHEMAS / "gitlab-code-quality.json").read_text()))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


@EVERY
def test_junit(each: LintReport) -> None:
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(render("junit", each))


def test_junit_fails_where_findings_fail() -> None:
    assert render("junit", FULL).count("<failure") == 2


@EVERY
def test_sarif(each: LintReport) -> None:
    document = json.loads(render("sarif", each))
    jsonschema.validate(document, json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text()))
    run = document["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


@EVERY
def test_markdown(each: LintReport) -> None:
    text = render("markdown", each)
    assert text.startswith("<!-- ctxsize lint -->\n### ctxsize lint: ")
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "<img" not in html


def test_fingerprints_outlive_figures_and_lines() -> None:
    moved = Finding("CX101", ".dockerignore", "1kB reaches the build", "warning", 9, 1, 2, rule=RULE)
    one, other = (
        json.loads(render("gitlab", report(each)))[0]["fingerprint"] for each in (UNANCHORED, moved)
    )
    assert one == other


@pytest.mark.parametrize("name", FORMATS["lint"])
@EVERY
def test_nothing_hostile_is_written(name: str, each: LintReport) -> None:
    text = render(name, each)
    assert "\x1b" not in text and "\udcff" not in text
