"""How files that look like secrets are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from ctxsize.cli import main
from ctxsize.ignore.types import Rule
from ctxsize.report.shared.json_parts import sensitive, visible
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.sensitive import sensitive_notes, sensitive_tables
from ctxsize.sensitive.types import SensitiveFile

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads((DOCS / "schema/context-1.json").read_text())
RULE = Rule(3, "**/node_modules", "**/node_modules", False)
SEEN = SensitiveFile(
    "certs/a.pem", "private-key", "private key", "likely", True, True, None, 1, "content", None
)
NAMED = replace(SEEN, path="x/id_rsa", reason="private SSH key", needed=False, line=None, source="name")
IGNORED = replace(SEEN, path=".env", reason="environment file", eligible=False, needed=False, rule=RULE)
PACKAGED = replace(
    IGNORED, path="node_modules/a/b.pem", reason="private key", level="possible", group="node_modules"
)


def tables(*files: SensitiveFile, top: int = 10) -> str:
    return "".join(sensitive_tables(files, ".dockerignore", Look(rows=top)))


def test_what_the_build_can_see_comes_first() -> None:
    assert (
        tables(SEEN, NAMED, IGNORED)
        == """
Look like secrets, and the build can see them
path         looks like       line          Dockerfile        rule
certs/a.pem  private key         1  likely  copies it         none matches
x/id_rsa     private SSH key        likely  does not copy it  none matches

Look like secrets, and only the ignore file keeps them out
path  looks like        line          rule
.env  environment file     1  likely  .dockerignore:3 **/node_modules
"""
    )


def test_of_many_in_one_ignored_directory_there_is_one_row() -> None:
    others = [replace(PACKAGED, path=f"node_modules/a/{number}.pem") for number in range(3)]
    text = tables(PACKAGED, *others, replace(PACKAGED, path="node_modules/x/.env", reason="environment file"))
    assert text.splitlines()[-1] == (
        "node_modules/  4 × private key, 1 × environment file        possible"
        "  .dockerignore:3 **/node_modules"
    )


def test_one_in_an_ignored_directory_is_named() -> None:
    assert tables(PACKAGED).splitlines()[-1].startswith("node_modules/a/b.pem  private key")


def test_nothing_found_is_not_mentioned() -> None:
    assert tables() == ""


def test_top_limits_the_rows() -> None:
    text = tables(*(replace(SEEN, path=f"{number}.pem") for number in range(5)), top=2)
    assert text.splitlines()[-1] == "… and 3 more (--top 0 shows all)"


def test_names_can_do_nothing_to_a_terminal() -> None:
    files = [replace(SEEN, path="a\x1b[31m.pem"), *[replace(PACKAGED, group="\x1bx")] * 2]
    assert "\x1b" not in tables(*files)
    assert tables(*files).count("\\x1b") == 2


@pytest.mark.parametrize(
    ("files", "notes"),
    [
        ([], []),
        ([PACKAGED], []),
        ([SEEN], ["1 file that the build can see looks like a secret: certs/a.pem (private key)"]),
        (
            [SEEN, replace(SEEN, line=2, reason="GitHub Token")],
            ["1 file that the build can see looks like a secret: certs/a.pem (private key)"],
        ),
        (
            [IGNORED],
            ["only the ignore file keeps out 1 file that looks like a secret: .env (environment file)"],
        ),
        (
            [replace(SEEN, path=str(number)) for number in range(5)],
            [
                "5 files that the build can see look like secrets: 0 (private key), 1 (private key),"
                " 2 (private key) and 2 more"
            ],
        ),
    ],
)
def test_notes_name_the_first_of_what_is_likely(files: list[SensitiveFile], notes: list[str]) -> None:
    assert sensitive_notes(files) == notes


def test_no_part_of_a_secret_is_in_any_output(tmp_path: Path) -> None:
    """Every check and every form of output, the detector's too."""
    secrets = {
        ".env": "DB_PASSWORD=Zq8vN3xK\n",
        ".npmrc": "//r/:_authToken=Zq8vN3xK\n",
        ".git/config": "\turl = https://u:Zq8vN3xK@host/r\n",
        "id_rsa": "-----BEGIN " + "PRIVATE KEY-----\nZq8vN3xK\n",
        "settings.py": "password = 'Zq8vN3xK'\nkey = 'AKIA" + "Z7QK5WJX2MTLHC4V'\n",
        "wp-config.php": "define('DB_PASSWORD', 'Zq8vN3xK');\n",
    }
    for name, text in secrets.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".dockerignore").write_text(".env\n")
    for form in ("table", "json", "csv", "list"):
        result = CliRunner().invoke(
            main, ["context", str(tmp_path), "--secrets", "--top", "0", "--format", form]
        )
        assert result.exit_code == 0
        assert "Zq8vN3xK" not in result.output and "AKIA" not in result.output
        if form in ("table", "json"):
            assert all(name in result.stdout for name in secrets)


def test_json_is_as_its_schema_says(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOKEN=abc\n")
    (tmp_path / "a.env").write_text("TOKEN=abc\n")
    (tmp_path / ".dockerignore").write_text("*.env\n!.env\n")
    result = CliRunner().invoke(main, ["context", str(tmp_path), "--format", "json"])
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["sensitive"] == [
        {
            "path": ".env",
            "kind": "environment",
            "reason": "environment file",
            "level": "likely",
            "eligible": True,
            "needed": None,
            "rule": {"line": 2, "pattern": "!.env"},
            "line": 1,
            "source": "content",
            "group": None,
        },
        {
            "path": "a.env",
            "kind": "environment",
            "reason": "environment file",
            "level": "likely",
            "eligible": False,
            "needed": False,
            "rule": {"line": 1, "pattern": "*.env"},
            "line": 1,
            "source": "content",
            "group": None,
        },
    ]


def test_comparisons_say_it_in_the_same_words() -> None:
    comparison = json.loads((DOCS / "schema/comparison-1.json").read_text())
    assert comparison["$defs"]["sensitive"] == SCHEMA["$defs"]["sensitive"]


def test_the_schema_knows_every_kind() -> None:
    from ctxsize.sensitive.names import RULES

    known = set(SCHEMA["$defs"]["sensitive"]["properties"]["kind"]["enum"])
    assert known == {row.kind for row in RULES} | {"detected"}


def test_names_that_are_no_utf8_have_their_bytes_in_json() -> None:
    (document,) = visible(sensitive([replace(SEEN, path="\udcff.pem")]))
    assert document["path"] == "\\xff.pem"


def test_the_documented_example_is_what_the_fixture_gives(make_fixture: Callable[..., Path]) -> None:
    example = (DOCS / "sensitive-files.md").read_text().split("```\n")[1]
    result = CliRunner().invoke(main, ["context", str(make_fixture("secrets"))])
    assert example.startswith("Look like secrets") and "\n" + example in result.stdout
