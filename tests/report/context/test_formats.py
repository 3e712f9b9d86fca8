"""The formats of ``ctxsize context``, each read back by a real parser."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ctxsize.report.formats import drawing
from ctxsize.report.shared.look import Look
from ctxsize.survey.overview import Overview, overview

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs/schema/context-1.json").read_text())
HOSTILE = [
    b'a,"b".txt',
    b"new\nline",
    b"\x1b[31mred",
    b"not-utf8-\xff",
    b"\xc2\x9bcsi",
    "naïve 漢字".encode(),
]

#: Every view, by the options that ask for it.
VIEWS: dict[str, dict[str, Any]] = {
    "default": {},
    "directories": {"by": "dir", "depth": 3},
    "ignored": {"ignored": True},
    "rules": {"by": "rule"},
    "extensions": {"by": "ext"},
    "ignored_extensions": {"by": "ext", "ignored": True},
    "files": {"files": True},
    "ignored_files": {"files": True, "ignored": True},
    "largest": {"largest": 2},
    "eligible only": {"eligible_only": True},
}
VIEW = pytest.mark.parametrize("options", VIEWS.values(), ids=VIEWS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Hostile names in a kept and in an ignored directory, a disagreement and a Dockerfile."""
    for directory in ("kept", "out"):
        (tmp_path / directory).mkdir()
        for size, name in enumerate(HOSTILE):
            with open(os.path.join(os.fsencode(tmp_path / directory), name), "wb") as file:
                file.write(bytes(size))
    (tmp_path / ".dockerignore").write_text("out\n!**/new*\n# nothing\n*.none\n")
    (tmp_path / "Dockerfile").write_text("FROM base\nCOPY kept /\n")
    return tmp_path


def render(project: Path, name: str, **options: Any) -> str:
    return "".join(draw(name, overview(project, **options)))


def draw(name: str, result: Overview) -> str | Iterator[str]:
    """``null`` is the list that ``--null`` asks for."""
    look = Look(null=name == "null")
    return drawing("context", "list" if look.null else name)(result, look)


@VIEW
def test_json_is_as_its_schema_says(project: Path, options: dict[str, Any]) -> None:
    document = json.loads(render(project, "json", **options))
    jsonschema.validate(document, SCHEMA)


def test_the_schema_refuses_what_is_not_in_it(project: Path) -> None:
    document = json.loads(render(project, "json"))
    for broken in ({**document, "more": 1}, {**document, "schema": 2}, {**document, "directories": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


def test_json_adds_up(project: Path) -> None:
    totals = json.loads(render(project, "json"))["totals"]
    ignored = json.loads(render(project, "json", ignored=True))["ignored"]
    rules = json.loads(render(project, "json", by="rule"))["rules"]
    files = json.loads(render(project, "json", files=True))["files"]
    out = json.loads(render(project, "json", files=True, ignored=True))["ignored_files"]
    for key in ("files", "dirs", "bytes"):
        emptied = totals["emptied_bytes"] if key == "bytes" else 0
        assert (
            totals["without"][key] + totals["ignore_file"][key]
            == totals["with"][key] + totals["ignored"][key] + emptied
        )
        assert sum(row[key] for row in ignored) == sum(row[key] for row in rules) == totals["ignored"][key]
    assert len(files) == totals["with"]["files"]
    assert sum(row["bytes"] for row in files) == totals["with"]["bytes"]
    assert len(out) == totals["ignored"]["files"]
    assert sum(row["bytes"] for row in out) == totals["ignored"]["bytes"] > 0


@VIEW
def test_csv_has_the_first_view_of_the_json(project: Path, options: dict[str, Any]) -> None:
    document = json.loads(render(project, "json", **options))
    first = next(value for key, value in document.items() if key not in SCHEMA["required"])
    rows = list(csv.DictReader(io.StringIO(render(project, "csv", **options), newline="")))
    assert [list(row) for row in rows] == [list(row) for row in first]
    assert [row.get("bytes") for row in rows] == [str(row["bytes"]) for row in first]


def test_csv_of_names_with_commas_and_quotes(project: Path) -> None:
    rows = csv.DictReader(io.StringIO(render(project, "csv", largest=6), newline=""))
    assert [(row["path"], row["bytes"]) for row in rows][-3:] == [
        ("kept/\\x9bcsi", "4"),
        ("kept/not-utf8-\\xff", "3"),
        ("kept/\\x1b[31mred", "2"),
    ]
    assert 'kept/a,"b".txt' in {
        row["path"] for row in csv.DictReader(io.StringIO(render(project, "csv", files=True), newline=""))
    }


def test_null_ends_raw_names(project: Path) -> None:
    text = render(project, "null", files=True, ignored=True)
    paths = text.encode("utf-8", "surrogateescape").split(b"\0")
    assert paths.pop() == b""
    assert paths == sorted(b"out/" + name for name in HOSTILE if not name.startswith(b"new"))


@VIEW
@pytest.mark.parametrize("name", ["table", "csv", "json"])
def test_no_control_characters_reach_a_terminal(project: Path, name: str, options: dict[str, Any]) -> None:
    text = render(project, name, **options)
    assert all(line.isprintable() for line in text.splitlines())
    text.encode()  # no surrogates either


def test_a_list_has_a_line_per_name(project: Path) -> None:
    lines = render(project, "list", files=True).splitlines()
    assert len(lines) == 2 + len(HOSTILE) + 1  # an exception brings one back
    assert all(line.isprintable() for line in lines)


def test_wide_characters_are_lined_up(project: Path) -> None:
    (project / "kept/ne\u0301").write_bytes(b"1234")
    (project / ".dockerignore").write_text("out\nkept/a*\nkept/na*\nkept/ne?\n")
    lines = render(project, "table", ignored=True).splitlines()
    assert lines[-4:] == [
        "  15B      6  out              .dockerignore:1 out",
        "   5B      1  kept/naïve 漢字  .dockerignore:3 kept/na*",
        "   4B      1  kept/ne\u0301          .dockerignore:4 kept/ne?",
        '   0B      1  kept/a,"b".txt   .dockerignore:2 kept/a*',
    ]


def test_files_are_written_while_they_are_found(project: Path) -> None:
    """So that memory does not grow with them."""
    result = overview(project, files=True)
    for name in ("table", "json", "csv", "list", "null"):
        pieces = draw(name, result)
        assert isinstance(pieces, Iterator)
    rows = iter(result.views[0].rows)
    assert next(rows) == (".dockerignore", 30)
    (project / "kept/zzz").write_text("late")
    assert ("kept/zzz", 4) in rows


def test_colours_only_where_they_are_allowed(project: Path) -> None:
    plain = "".join(drawing("context", "table")(overview(project), Look()))
    coloured = "".join(drawing("context", "table")(overview(project), Look(colour=True)))
    assert "\x1b" not in plain
    assert coloured.replace("\x1b[1m", "").replace("\x1b[33m", "").replace("\x1b[0m", "") == plain != coloured


def test_an_unknown_format() -> None:
    with pytest.raises(ValueError):
        drawing("context", "yaml")
