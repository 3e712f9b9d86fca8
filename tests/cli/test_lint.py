"""``ctxsize lint``: whole outputs, exit codes, files that are mended and files that are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from ctxsize.lint.findings.all import BY_CODE
from tests.support.tree import tree_hash

ROOT = Path(__file__).resolve().parents[2]


def lint(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["lint", *map(str, arguments)])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a nested node_modules arrives, and a rule is there twice."""
    for name in ("src/main.js", "node_modules/a.js", "web/node_modules/b.js", "tmp/out/x", "logs/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 1000)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
    (tmp_path / ".dockerignore").write_text(
        "# modules\nnode_modules\n./tmp/out\nlogs\nlogs/\nDockerfile\n.dockerignore\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report(shop: Path) -> None:
    result = lint()
    assert result.exit_code == 1
    assert (
        result.output
        == """\
.dockerignore:2:1: CX101 1kB, 1 file reaches the build: node_modules matches at the root only
  2 | node_modules
    | ^^^^^^^^^^^^ warning
  help: unlike in .gitignore, a pattern starts at the context's root; write **/node_modules
.dockerignore:3:1: CX111 ./ has no effect here
  3 | ./tmp/out
    | ^^^^^^^^^ info
  help: every pattern starts at the context's root: tmp/out
.dockerignore:5:1: CX302 line 4 says the same
  5 | logs/
    | ^^^^^ info
  help: remove it
3 findings (1 warning, 2 information): 1kB, 1 file
2 safe to mend with --fix, 1 with --fix --unsafe-fixes
"""
    )


def test_nothing_is_written_without_fix(shop: Path) -> None:
    before = tree_hash(shop)
    for arguments in ([], ["--diff"], ["--diff", "--unsafe-fixes"], ["--format", "json"]):
        lint(*arguments)
    assert tree_hash(shop) == before


def test_diff(shop: Path) -> None:
    result = lint("--diff", "--select", "CX3")
    assert (
        result.output
        == """\
--- .dockerignore
+++ .dockerignore
@@ -2,6 +2,5 @@
 node_modules
 ./tmp/out
 logs
-logs/
 Dockerfile
 .dockerignore
1 finding would be mended
nothing to find fault with
"""
    )


def test_safe_fixes(shop: Path) -> None:
    result = lint("--fix")
    assert result.exit_code == 1
    assert (shop / ".dockerignore").read_text() == (
        "# modules\nnode_modules\ntmp/out\nlogs\nDockerfile\n.dockerignore\n"
    )
    assert "2 findings mended\n1 finding (1 warning)" in result.output


def test_all_fixes(shop: Path) -> None:
    result = lint("--fix", "--unsafe-fixes")
    assert result.exit_code == 0
    assert (shop / ".dockerignore").read_text() == (
        "# modules\n**/node_modules\ntmp/out\nlogs\nDockerfile\n.dockerignore\n"
    )


def test_json_within_its_schema(shop: Path) -> None:
    document = json.loads(lint("--format", "json").output)
    jsonschema.validate(document, json.loads((ROOT / "docs/schema/lint-1.json").read_text()))
    assert document["total"] == {
        "findings": 3, "errors": 0, "warnings": 1, "infos": 2, "fixable": 2, "unsafe": 1,
        "files": 1, "bytes": 1000,
    }  # fmt: skip


def test_several_reports_and_targets(shop: Path, tmp_path: Path) -> None:
    (shop / "api").mkdir()
    (shop / "api" / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    result = lint(".", "api", "--report", "sarif=out.sarif", "--format", "concise")
    assert [line.split(" ")[0] for line in result.output.splitlines()] == [
        ".dockerignore:2:1:",
        ".dockerignore:6:1:",
        ".dockerignore:3:1:",
        ".dockerignore:5:1:",
        "api/Dockerfile:2:1:",
    ]
    assert len(json.loads((shop / "out.sarif").read_text())["runs"][0]["results"]) == 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--fail-on", "error"], 0),
        (["--fail-on", "never"], 0),
        (["--ignore", "CX101"], 0),
        (["--select", "CX3,CX101"], 1),
        (["--select", "CX9999"], 2),
        (["--fix", "--diff"], 2),
        (["--unsafe-fixes"], 2),
        (["no-such-directory"], 2),
        (["-f", "no-such-file"], 2),
        (["--target", "no-such-stage"], 2),
    ],
)
def test_exit_codes(shop: Path, arguments: list[str], code: int) -> None:
    assert lint(*arguments).exit_code == code


def test_a_target_that_cant_be_linted_is_told_and_the_others_are_linted(shop: Path) -> None:
    (shop / ".ctxsize.toml").write_text(
        '[targets.bad]\ntarget = "none"\n[targets.good]\n[targets.good.lint]\nselect = ["CX101"]\n'
    )
    result = lint("--format", "concise")
    assert result.exit_code == 2
    first, second = result.output.splitlines()
    assert first.startswith("error: ") and "none" in first
    assert second.startswith(".dockerignore:2:1: CX101")


def test_compose(shop: Path) -> None:
    pytest.importorskip("yaml")
    (shop / "compose.yaml").write_text("services:\n  web:\n    build:\n      context: .\n      target: app\n")
    (shop / "Dockerfile").write_text("FROM scratch AS app\nCOPY src /src\nFROM scratch\nCOPY . /app\n")
    document = json.loads(lint("--compose", "compose.yaml", "--format", "json").output)
    assert [target["name"] for target in document["targets"]] == ["web"]
    assert "CX101" not in {found["code"] for found in document["findings"]}  # nothing takes it


def test_the_dialect(shop: Path) -> None:
    (shop / ".dockerignore").write_text("*\n!**/*.js\n")
    told = {}
    for builder in ("buildkit", "classic"):
        document = json.loads(lint("--builder", builder, "--format", "json").output)
        told[builder] = {found["code"] for found in document["findings"]}
    assert "CX203" in told["classic"] and "CX203" not in told["buildkit"]


@pytest.mark.parametrize("code", BY_CODE)
def test_each_code_is_explained(code: str) -> None:
    text = lint("--explain", code).output
    assert text.startswith(f"{code} (")
    assert "Example:" in text


def test_all_codes_are_listed() -> None:
    assert len(lint("--explain", "all").output.splitlines()) == len(BY_CODE)
    assert len(lint("--explain", "cx5").output.splitlines()) == 3


def test_a_job_summary(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shop / "summary.md"))
    lint()
    assert (shop / "summary.md").read_text().startswith("<!-- ctxsize lint -->")


def test_context_ends_with_a_line_about_lint_that_goes_by_the_configuration(shop: Path) -> None:
    def last() -> str:
        return CliRunner().invoke(main, ["context"]).output.splitlines()[-1]

    assert last() == "1 finding, 1kB: `ctxsize lint`"
    (shop / ".ctxsize.toml").write_text('build-args = { FROM = "web" }\n')
    (shop / "Dockerfile").write_text("FROM scratch\nARG FROM=src\nCOPY $FROM /app\n")
    assert last() == "1 finding, 1kB: `ctxsize lint`"
    (shop / ".ctxsize.toml").write_text('build-args = { FROM = "web" }\n[lint]\nignore = ["CX101"]\n')
    assert "finding" not in last()


def test_context_does_not_look_at_rules_by_the_thousand(shop: Path) -> None:
    """That takes longer than all else: an ignore file of a stranger can have half a million."""
    with (shop / ".dockerignore").open("a") as file:
        file.writelines(f"tmp{number}\n" for number in range(1000))

    assert "finding" not in CliRunner().invoke(main, ["context"]).output
