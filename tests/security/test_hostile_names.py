"""A repository's names in every output: none steers a terminal, breaks a format or becomes a formula."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from ctxsize.cli import main

NAMES = (
    b"esc\x1b[31m\x1b]0;title\x07",
    b"two\nlines\r\n::error::x",
    b"not-utf-8-\xff",
    b"c1-\xc2\x9b31m",
    "right-to-left\u202egnp.exe".encode(),
    b"=HYPERLINK(1)",
    b"@SUM(A1)",
    b"-leading",
    b"<script>alert(1)</script>"[:24].replace(b"/", b"_"),
    b"a|b",
    b"`code`",
    b"]]>&amp;\"'",
    b"[x](javascript:a)",
    b"::add-mask::a",
    b"a##vso[task.setvariable variable=x]b",
    b"@somebody #1",
    "\ufffe".encode(),
)
#: What a terminal obeys; a line end is ours.
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

CONTEXT = [
    ("context",),
    ("context", "--files"),
    ("context", "--largest", "50"),
    ("context", "--ignored"),
    ("context", "--format", "csv"),
    ("context", "--format", "json"),
    ("context", "--by", "ext"),
]
CHECK = [
    ("check", "--top", "0", "--format", name)
    for name in ("table", "json", "markdown", "github", "gitlab", "junit", "sarif", "csv")
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Files, ignored and not, a rule and a limit, all of such names."""
    root = tmp_path / "project"
    root.mkdir()
    for name in NAMES:
        (root / os.fsdecode(name)).mkdir()
        (root / os.fsdecode(name) / os.fsdecode(name)).write_bytes(bytes(2000))
        (root / os.fsdecode(name) / os.fsdecode(b"ignored" + name)).write_bytes(bytes(100))
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / ".dockerignore").write_text("*/ignored*\n[=<|]x\n\u202e\n")
    (root / ".ctxsize.toml").write_text('[budget]\ncontext = "1 kB"\nforbid = ["*/*", "!Dockerfile"]\n')
    return root


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(main, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code in (0, 1), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stdout_bytes.decode(), result.stderr_bytes.decode()


@pytest.mark.parametrize("command", [*CONTEXT, *CHECK], ids=" ".join)
def test_nothing_reaches_a_terminal_raw(command: tuple[str, ...], project: Path) -> None:
    out, err = run(*command, str(project))

    assert "esc" in out or command[0] == "context"
    assert not RAW.findall(out.replace("\r\n", "\n"))
    assert not RAW.findall(err)
    if not {"json", "gitlab", "sarif", "junit", "github"} & set(command):
        assert not re.search(r"(?m)^\s*::|##\[|##vso\[", out), "a command to a CI"


@pytest.mark.parametrize("name", NAMES)
def test_why_shows_names_harmless(name: bytes, project: Path) -> None:
    for path in (os.fsdecode(name), os.fsdecode(name + b"/ignored" + name)):
        out, err = run("why", "--context", str(project), "--", path)
        assert not RAW.findall(out + err)


@pytest.mark.parametrize(
    "command", [("context", "--format", "csv", "--files"), ("check", "--format", "csv")], ids=" ".join
)
def test_no_cell_is_a_formula(command: tuple[str, ...], project: Path) -> None:
    out, _ = run(*command, str(project))

    rows = list(csv.reader(io.StringIO(out)))
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@") or re.match(r"-\D", cell)]


def test_xml_and_json_are_read_back(project: Path) -> None:
    cases = ElementTree.fromstring(run("check", "--format", "junit", str(project))[0])
    assert any("<script>" in "".join(case.itertext()) + str(case.attrib) for case in cases.iter())
    for format_ in ("json", "gitlab", "sarif"):
        assert "HYPERLINK" in json.dumps(json.loads(run("check", "--format", format_, str(project))[0]))


def test_markdown_holds_no_markup_of_a_name(project: Path) -> None:
    out, _ = run("check", "--format", "markdown", str(project))

    visible = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"(?s)^(```+).*?^\1", "", out, flags=re.M))
    assert "<script" not in visible
    assert not re.search(r"(?<!\\)\]\(javascript", visible)
    assert not re.search(r"(?<![\\\w])@somebody", visible)


def test_github_commands_are_one_line_each(project: Path) -> None:
    out, _ = run("check", "--format", "github", str(project))

    assert all(line.startswith("::") for line in out.splitlines() if "two" in line)
    assert "\n::error::x" not in out
