"""The difference of two images in each format: the whole text, the schema, and names that are no text."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ctxsize.inspection.difference.types import (
    DifferenceTotals,
    ImageDifference,
    PathChange,
    Sizes,
    StatusSum,
    StepChange,
)
from ctxsize.inspection.types import ImageName
from ctxsize.report.formats import FORMATS, drawing
from ctxsize.report.shared.look import Look

ROOT = Path(__file__).resolve().parents[3]
A = ImageName("shop:1", "sha256:a", "engine", "linux/amd64", 2, None)
B = ImageName("shop:2", "sha256:b", "built", "linux/amd64", 3, 1, "FROM", "Dockerfile")
RESULT = ImageDifference(
    version="1.0",
    created="2026-01-01T00:00:00+00:00",
    a=A,
    b=B,
    totals=DifferenceTotals(
        Sizes(173_000, 107_300), Sizes(50_000, 40_000), Sizes(0, 1_000), Sizes(4, 4)
    ),
    steps=(
        StepChange("same", "RUN base", 1, 1, None, Sizes(100_000, 100_000), Sizes(30_000, 30_000)),
        StepChange("changed", "COPY . /app", 2, 2, 4, Sizes(73_000, 6_300), Sizes(20_000, 9_000)),
        StepChange("added", "RUN chown -R 7 /app", None, 3, 5, Sizes(0, 1_000), Sizes(0, 1_000)),
    ),
    view="file",
    rows=(
        PathChange("removed", "/app/old", Sizes(70_000, 0), Sizes(0, 0), Sizes(1, 0)),
        PathChange("changed", "/app/a.py", Sizes(1_000, 2_000), Sizes(0, 1_000), Sizes(1, 1)),
    ),
    rows_left_out=1,
    rest=Sizes(102_000, 105_300),
    statuses=(StatusSum("added", 1, 300), StatusSum("removed", 1, -70_000), StatusSum("changed", 2, 4_000),
              StatusSum("same", 1, 0)),
)  # fmt: skip
REMOTE = replace(
    RESULT,
    totals=DifferenceTotals(
        Sizes(None, 107_300), Sizes(50_000, 40_000), Sizes(None, None), Sizes(None, None)
    ),
    rows=(),
    rows_left_out=0,
    rest=Sizes(None, None),
    statuses=(),
    missing={"bytes": "the registry's manifest has compressed sizes only"},
)
TABLE = """\
shop:1 → shop:2

                  A      B   change
image         173kB  107kB  -65.7kB
of it wasted     0B    1kB     +1kB
pull           50kB   40kB    -10kB

Steps that differ
   line     A      B   change   pull  step
~     4  73kB  6.3kB  -66.7kB  -11kB  COPY . /app
+     5    0B    1kB     +1kB   +1kB  RUN chown -R 7 /app

By file
      A    B  change  of it wasted  file
-  70kB   0B   -70kB            0B  /app/old
~   1kB  2kB    +1kB          +1kB  /app/a.py
… and 1 more (--top 0 shows all)

1 added, 1 removed, 2 changed, 1 same (files)

the image is 65.7kB (38.0 %) smaller
"""


def draw(name: str, result: ImageDifference, look: Look | None = None) -> str:
    return "".join(drawing("difference", name)(result, look or Look()))


def test_the_table() -> None:
    assert draw("table", RESULT) == TABLE


def test_the_table_of_what_a_manifest_says() -> None:
    text = draw("table", REMOTE)
    assert "image  ?" in " ".join(text.split("\n")[3].split("  ")).replace("   ", "  ") or "?" in text
    assert "compressed sizes only" in text
    assert "the pull is 10kB (20.0 %) smaller" in text


@pytest.mark.parametrize("result", [RESULT, REMOTE])
def test_the_json_follows_its_schema(result: ImageDifference) -> None:
    document = json.loads(draw("json", result))
    jsonschema.validate(document, json.loads((ROOT / "docs/schema/image-difference-1.json").read_text()))


def test_the_json_adds_up() -> None:
    document = json.loads(draw("json", RESULT))
    rows = sum(row["bytes"]["change"] for row in document["rows"]) + document["rest"]["change"]
    steps = sum(step["bytes"]["change"] for step in document["steps"])
    statuses = sum(each["bytes"] for each in document["statuses"])
    assert rows == steps == statuses == document["totals"]["bytes"]["change"] == -65_700


def test_the_csv_adds_up_by_kind() -> None:
    rows = list(csv.DictReader(io.StringIO(draw("csv", RESULT))))
    for kind in ("step", "file"):
        assert sum(int(row["bytes_change"]) for row in rows if row["kind"] == kind) == -65_700


def test_the_markdown() -> None:
    text = draw("markdown", RESULT)
    assert text.startswith("### The image is 65.7kB (38.0 %) smaller\n")
    assert "| changed | 4 | 73kB | 6.3kB | -66.7kB | -11kB | `COPY . /app` |" in text
    assert "| removed | 70kB | 0B | -70kB | 0B | `/app/old` |" in text
    assert "Files: 1 added, 1 removed, 2 changed, 1 same." in text


@pytest.mark.parametrize("name", FORMATS["difference"])
def test_hostile_names_do_nothing(name: str) -> None:
    hostile = "\x1b[2J|`</td>\n\udcff=cmd()"
    row = replace(RESULT.rows[0], name=hostile)
    step = replace(RESULT.steps[1], text=hostile)
    text = draw(name, replace(RESULT, a=replace(A, name=hostile), rows=(row,), steps=(step,)))
    assert "\x1b" not in text
    if name == "csv":
        assert len(list(csv.reader(io.StringIO(text)))) == 4


def test_nothing_that_differs_is_a_short_table() -> None:
    same = replace(
        RESULT, steps=RESULT.steps[:1], rows=(), rows_left_out=0, statuses=(),
        totals=replace(RESULT.totals, bytes=Sizes(5, 5)),
    )  # fmt: skip
    text = draw("table", same)
    assert "Steps that differ" not in text
    assert text.endswith("the image is as large as before\n")
