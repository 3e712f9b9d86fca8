"""The formats of ``ctxsize check``, each read back by a parser or held against its format's schema."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
import xmlschema
from markdown_it import MarkdownIt

from ctxsize.budget.types import CheckReport, FileFinding
from ctxsize.report.check.csv import COLUMNS
from ctxsize.report.formats import drawing
from ctxsize.report.shared import github, markdown, sarif
from ctxsize.report.shared.look import Look
from tests.report.check import samples

SCHEMAS = Path(__file__).resolve().parents[2] / "data" / "schemas"
REPORT = pytest.mark.parametrize("report", samples.REPORTS.values(), ids=samples.REPORTS)


def render(name: str, report: CheckReport, top: int = 10) -> str:
    text = "".join(drawing("check", name)(report, Look(rows=top)))
    text.encode("utf-8")  # nothing in it that can't be written
    return text


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="yaml"):
        drawing("check", "yaml")


# Markdown

_markdown = MarkdownIt("gfm-like", {"linkify": False})


def html(text: str) -> str:
    return str(_markdown.render(text))


def test_markdown_whole() -> None:
    assert render("markdown", samples.EVERYTHING) == (
        "<!-- ctxsize check -->\n"
        "### ctxsize: 2 of 2 targets not within budget\n"
        "\n"
        "| target | limit of | now | allowed |  |\n"
        "| :--- | :--- | ---: | ---: | :--- |\n"
        "| `shop` | context | 2MB | 10MB | ok |\n"
        "| `shop` | image | 260MB | 250MB | **10MB over** |\n"
        "| `shop` | pull | ? | 90MB | **not measured** |\n"
        "\n"
        "#### `shop`: 1 limit not kept, 1 limit not measured, 2 files that must not be there\n"
        "\n"
        "**image is 260MB, 10MB over its limit of 250MB** (`.ctxsize.toml:4`). Next: see what is in it with"
        " \\`ctxsize context --largest 20\\`.\n"
        "\n"
        "| grew most | before | now | growth |\n"
        "| :--- | ---: | ---: | ---: |\n"
        "| `web/dist` | 1MB | 9MB | +8MB |\n"
        "| `new.bin` | new | 2MB | +2MB |\n"
        "| `RUN make` | ? | 500B | ? |\n"
        "\n"
        "**pull (limit 90 MB) is not known: no engine answers** (`--max-pull`).\n"
        "\n"
        '- `config/.env` must not reach the build (forbid "\\*\\*/.env") (`.ctxsize.toml:6`); add a rule to'
        " .dockerignore\n"
        "- `.git` must be ignored (`.ctxsize.toml:7`)\n"
        "- warning: `id_rsa` looks like a private key\n"
        "\n"
        "- note: links were counted once\n"
        "\n"
        "#### `api`: not measured\n"
        "\n"
        "**Not measured:** services/api/Dockerfile:3: a build failed\n"
        "\n"
        "````\n"
        "step 3\n"
        "no ```space``` left\n"
        "````\n"
        "\n"
        "All targets together: context 2MB.\n"
        "\n"
        "<sub>ctxsize 0.1.0, 2026-11-23T18:00:00+00:00</sub>\n"
    )


def test_markdown_is_short_when_all_is_well() -> None:
    text = render("markdown", samples.ALL_WELL)

    assert "### ctxsize: within budget" in text
    assert "<td>context</td>" in html(text).replace(' style="text-align:left"', "")
    assert "Next:" not in text


def test_markdown_makes_nothing_of_hostile_names() -> None:
    """Each name is text or a code span, in one cell or line: no tag, link, emphasis, mention or reference."""
    text = render("markdown", samples.HOSTILE_REPORT, top=0)
    tokens = [child for token in _markdown.parse(text) for child in token.children or []]
    kinds = {token.type for token in tokens if not token.type.startswith("text")}

    assert kinds <= {"code_inline", "strong_open", "strong_close", "html_inline", "softbreak"}
    assert {token.content for token in tokens if token.type == "html_inline"} == {"<sub>", "</sub>"}
    assert not [token for token in _markdown.parse(text) if token.type == "html_block"][1:], (
        "the marker alone"
    )
    spans = {token.content for token in tokens if token.type == "code_inline"}
    for shown in ("new\\nline", "a|b`c``d", "<img src=x onerror=alert(1)>", "evil | `name`"):
        assert shown in spans
    assert html(text).count("<table>") == 1 + len(samples.HOSTILE)
    for token in tokens:
        if token.type == "text":
            assert not re.search(r"[@#]\w", token.content), "a mention notifies people"


def test_markdown_fits_a_comment_whatever_is_in_it() -> None:
    long = FileFinding("forbidden", "x" * 4000, "must not reach the build")
    many = [
        samples.target(f"t{number}", limits=(samples.OVER,) * 5, findings=(long,) * 50)
        for number in range(200)
    ]
    text = render("markdown", samples.report(*many))

    assert len(text) < 65_536
    assert "The rest does not fit here" in text.splitlines()[-1]
    assert "…" in html(text)


def test_markdown_lists_as_many_as_asked() -> None:
    report = samples.report(samples.target(findings=(samples.FORBIDDEN,) * 12))

    assert "- … and 2 more" in render("markdown", report)
    assert "more" not in render("markdown", report, top=0)


def test_markdown_shows_raw_bytes_when_rounding_hides_the_difference() -> None:
    close = replace(samples.OVER, value=250_000_001, grew=())

    assert "| image | 250,000,001 bytes | 250,000,000 bytes | **1B over** |" in render(
        "markdown", samples.report(samples.target(limits=(close,)))
    )


# GitHub annotations


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What GitHub's runner reads (actions/runner, ActionCommand.cs): level, properties, message."""

    def unescape(value: str, *, of_property: bool) -> str:
        if of_property:
            value = value.replace("%3A", ":").replace("%2C", ",")
        return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

    found = []
    for line in text.splitlines():
        level, properties, message = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
        pairs = (word.split("=", 1) for word in properties.split(","))
        found.append(
            (
                level,
                {name: unescape(value, of_property=True) for name, value in pairs},
                unescape(message, of_property=False),
            )
        )
    return found


def test_github_annotations_whole() -> None:
    assert render("github", samples.EVERYTHING).splitlines() == [
        "::error file=.ctxsize.toml,line=4,title=ctxsize%3A over budget (shop)::image is 260MB, 10MB over its"
        " limit of 250MB; grew most: web/dist +8MB to 9MB, new.bin +2MB (new), RUN make 500B; see what is in"
        " it with `ctxsize context --largest 20`",
        "::error file=Dockerfile,line=1,title=ctxsize%3A not measured (shop)::pull (limit 90 MB) is not"
        " known: no engine answers",
        "::error file=config/.env,title=ctxsize%3A forbidden (shop)::config/.env must not reach the build"
        ' (forbid "**/.env"); add a rule to .dockerignore',
        "::error file=.ctxsize.toml,line=7,title=ctxsize%3A not ignored (shop)::.git must be ignored",
        "::error file=services/api/Dockerfile,line=1,title=ctxsize%3A not measured (api)::services/api/"
        "Dockerfile:3: a build failed",
        "::warning file=id_rsa,line=3,title=ctxsize%3A sensitive (shop)::id_rsa looks like a private key",
        "::warning file=Dockerfile,line=3,title=ctxsize%3A warning (shop)::links were counted once",
    ]
    assert render("github", samples.ALL_WELL) == ""


def test_github_annotations_of_hostile_names_are_one_command_each() -> None:
    found = commands(render("github", samples.HOSTILE_REPORT))

    assert len(found) == 20, "ten errors and ten warnings are what GitHub shows"
    assert {level for level, _, _ in found} == {"error", "warning"}
    assert all(set(properties) <= {"file", "line", "title"} for _, properties, _ in found)
    assert "11 more" not in found[0][2]


def test_github_annotations_stay_within_its_limits() -> None:
    findings = tuple(
        FileFinding("forbidden", f"{number}/{'é' * 3000}", "must not reach the build") for number in range(30)
    )
    found = commands(render("github", samples.report(samples.target(findings=findings))))

    assert len(found) == github.SHOWN
    assert all(len(message.encode()) <= github.MESSAGE_BYTES for _, _, message in found)
    assert found[-1][2].startswith("21 more that GitHub has no room for: 9/")


def test_paths_are_those_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "services").mkdir()
    monkeypatch.chdir(tmp_path / "services")
    report = samples.report(samples.target(path="api", findings=(samples.FORBIDDEN,)))

    assert "file=api/config/.env," in render("github", report)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert "file=services/api/config/.env," in render("github", report)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    assert "file=api/config/.env," in render("github", report)


# GitLab Code Quality


@REPORT
def test_gitlab_code_quality_follows_its_schema(report: CheckReport) -> None:
    schema = json.loads((SCHEMAS / "gitlab-code-quality.json").read_text())
    jsonschema.validate(json.loads(render("gitlab", report)), schema)


def test_gitlab_code_quality_whole() -> None:
    issues = json.loads(render("gitlab", samples.EVERYTHING))

    assert [(issue["check_name"], issue["severity"], issue["location"]["path"]) for issue in issues] == [
        ("ctxsize-over-budget", "major", ".ctxsize.toml"),
        ("ctxsize-not-measured", "major", "Dockerfile"),
        ("ctxsize-forbidden", "critical", "config/.env"),
        ("ctxsize-not-ignored", "major", ".ctxsize.toml"),
        ("ctxsize-sensitive", "minor", "id_rsa"),
        ("ctxsize-warning", "minor", "Dockerfile"),
        ("ctxsize-not-measured", "major", "services/api/Dockerfile"),
    ]
    assert issues[0]["location"]["lines"] == {"begin": 4}
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_fingerprints_outlive_figures_and_lines() -> None:
    """GitLab and GitHub tell an issue that was there from a new one by them."""

    def prints(report: CheckReport) -> list[str]:
        return [issue["fingerprint"] for issue in json.loads(render("gitlab", report))]

    now = samples.report(samples.target(limits=(samples.OVER,), findings=(samples.FORBIDDEN,)))
    later = samples.report(
        samples.target(
            limits=(replace(samples.OVER, value=270_000_000, where=".ctxsize.toml:9"),),
            findings=(replace(samples.FORBIDDEN, where=".ctxsize.toml:11", help=None),),
        )
    )

    assert prints(now) == prints(later)
    other = samples.report(samples.target("api", limits=(samples.OVER,), findings=(samples.FORBIDDEN,)))
    assert not set(prints(other)) & set(prints(now)), "another target's"


# JUnit XML


@pytest.fixture(scope="module")
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


@REPORT
def test_junit_follows_its_schema(junit_schema: xmlschema.XMLSchema, report: CheckReport) -> None:
    junit_schema.validate(render("junit", report))


def test_junit_tells_failures_from_errors(junit_schema: xmlschema.XMLSchema) -> None:
    document: Any = junit_schema.to_dict(render("junit", samples.EVERYTHING))
    shop, api = document["testsuite"]

    assert (shop["@name"], shop["@tests"], shop["@failures"], shop["@errors"]) == (
        "ctxsize shop",
        "7",
        "3",
        "1",
    )
    assert [case["@name"] for case in shop["testcase"]] == [
        "measured",
        "context 10 MB",
        "image 250 MB",
        "pull 90 MB",
        "forbidden config/.env",
        "not-ignored .git",
        "sensitive id_rsa",
    ]
    (failure,) = shop["testcase"][2]["failure"]
    assert failure["@type"] == "over-budget"
    assert failure["@message"].startswith("image is 260MB, 10MB over its limit of 250MB; grew most: web/dist")
    assert (api["@tests"], api["@errors"]) == ("1", "1")
    assert "no ```space``` left" in api["testcase"][0]["error"][0]["$"]


# SARIF


@REPORT
def test_sarif_follows_its_schema(report: CheckReport) -> None:
    schema = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text())
    checker = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    checker.validate(json.loads(render("sarif", report)))


def test_sarif_holds_the_files_and_what_could_not_be_measured() -> None:
    (run,) = json.loads(render("sarif", samples.EVERYTHING))["runs"]
    forbidden, not_ignored, sensitive = run["results"]

    assert forbidden["ruleId"] == run["tool"]["driver"]["rules"][forbidden["ruleIndex"]]["id"] == "forbidden"
    assert forbidden["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "config/.env"
    related = forbidden["relatedLocations"][0]["physicalLocation"]
    assert (related["artifactLocation"]["uri"], related["region"]["startLine"]) == (".ctxsize.toml", 6)
    assert not_ignored["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert (sensitive["level"], sensitive["locations"][0]["physicalLocation"]["region"]["startLine"]) == (
        "warning",
        3,
    )
    (invocation,) = run["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (4, False)
    assert [note["message"]["text"] for note in invocation["toolExecutionNotifications"]] == [
        "shop: links were counted once",
        "api: services/api/Dockerfile:3: a build failed",
    ]


def test_sarif_addresses_carry_every_byte_of_a_name() -> None:
    report = samples.report(
        samples.target(findings=tuple(FileFinding("forbidden", name, "x") for name in samples.HOSTILE))
    )
    (run,) = json.loads(render("sarif", report))["runs"]
    found = [
        unquote_to_bytes(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for result in run["results"]
    ]

    assert found == [name.encode("utf-8", "surrogateescape") for name in samples.HOSTILE]


def test_sarif_never_holds_more_than_github_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 2)
    (run,) = json.loads(render("sarif", samples.EVERYTHING))["runs"]

    assert len(run["results"]) == 2
    assert run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"].startswith("1 more")


# CSV


def test_csv_whole() -> None:
    assert list(csv.reader(io.StringIO(render("csv", samples.EVERYTHING)))) == [
        list(COLUMNS),
        ["shop", "limit", "context", "ok", "bytes", "2000000", "10000000", "", "", ".ctxsize.toml:2",
         "context is 2MB, within its limit of 10MB"],
        ["shop", "limit", "image", "over", "bytes", "260000000", "250000000", "", "", ".ctxsize.toml:4",
         "image is 260MB, 10MB over its limit of 250MB"],
        ["shop", "limit", "pull", "unknown", "bytes", "", "90000000", "", "", "--max-pull",
         "pull (limit 90 MB) is not known: no engine answers"],
        ["shop", "file", "config/.env", "forbidden", "", "", "", "", "", ".ctxsize.toml:6",
         'config/.env must not reach the build (forbid "**/.env")'],
        ["shop", "file", ".git", "not-ignored", "", "", "", "", "", ".ctxsize.toml:7",
         ".git must be ignored"],
        ["shop", "file", "id_rsa", "sensitive", "", "", "", "", "", "", "id_rsa looks like a private key"],
        ["api", "target", "api", "unknown", "", "", "", "", "", "",
         "services/api/Dockerfile:3: a build failed"],
    ]  # fmt: skip


@REPORT
def test_csv_has_a_row_of_the_same_width_for_everything(report: CheckReport) -> None:
    rows = list(csv.reader(io.StringIO(render("csv", report)), strict=True))

    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_markdown_limits_are_below_githubs() -> None:
    assert markdown.MOST_CHARACTERS < 65_536
