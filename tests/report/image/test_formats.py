"""The report on an image, whole: what a person reads and what a program reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ctxsize.engine.containers import Verification
from ctxsize.inspection.types import (
    Difference,
    Duplicate,
    Fix,
    ImageName,
    ImageReport,
    ImageStep,
    ImageTotals,
    Leftover,
    Proof,
    ViewRow,
    Wasted,
    WasteGroup,
)
from ctxsize.measure.figures import EngineFigures
from ctxsize.report.formats import FORMATS, drawing
from ctxsize.report.shared.look import Look
from ctxsize.warning import Warning

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/image-1.json").read_text())


def step(number: int, text: str, size: int, wasted: int = 0, line: int | None = None) -> ImageStep:
    return ImageStep(
        number, text, text, line, number, number == 1, size, 3, size // 2, size - wasted, wasted, 0
    )


RESULT = ImageReport(
    version="0.1.0",
    created="2026-11-23T12:00:00+00:00",
    image=ImageName("shop\n", "sha256:1", "built", "linux/amd64", 3, 1, "FROM", "Dockerfile"),
    engine=EngineFigures("28.5.2", "1.51", "buildkit", "overlay2", remote=False),
    totals=ImageTotals(1_000_000, 70, 400_000, 500_000, 700_000, 300_000, 270_000, 20_000, 64_000),
    steps=(
        step(1, "ADD rootfs /", 500_000, 30_000),
        step(2, "COPY . /app | x", 270_000, 270_000, line=12),
        step(3, "RUN chown -R app /app", 230_000, line=14),
        replace(step(4, "CMD x", 0, line=15), layer=None, pull_bytes=None),
    ),
    groups=(
        WasteGroup("/app", 270_000, 9, "same-content", 2, 3, True, ("owner",), 91_000),
        WasteGroup("/etc", 30_000, 1, "removed", 1, 3, False),
    ),
    wasted=(Wasted("/app/\x1b[1m", 200_000, "same-content", 2, 3, True, ("owner",), 90_000),),
    wasted_left_out=(9, 100_000),
    leftovers=(Leftover("/tmp", "temporary-files", 20_000, 2, {3: 20_000}, {3: 7_000}),),
    duplicates=(Duplicate(64_000, 2, ("/a", "/b")),),
    largest=(ViewRow("/big", 200_000, 200_000, 0, 1, 1),),
    fixes=(
        Fix("copy-chown", (12, 14), "14: RUN chown …: image −270kB", 270_000, 91_000, True),
        Fix("cleanup", (14,), "14: ends with rm", 20_000, None, True, proven=False, reason="/a\n is new"),
    ),
    diff="--- Dockerfile\n",
    proof=Proof(
        270_000,
        269_000,
        90_000,
        False,
        (Difference("/app/log", "content", True), Difference("/app", "owner", False)),
        2,
        ("Env",),
        Verification("app --version", 0, 0.5, ("1.0",), timed_out=False),
    ),
    warnings=(Warning("left-on-engine", "something is left"),),
)
BY_DIRECTORY = replace(
    RESULT, view="dir", rows=(ViewRow("/usr", 500, 400, 100, 3), ViewRow("=app", 5, 5, 0, 1)), rows_left_out=2
)
SIZES_ONLY = replace(
    RESULT,
    engine=None,
    totals=ImageTotals(0, None, 400_000, None, None, None, None, None, None),
    steps=(ImageStep(1, "COPY", "COPY", None, 1, False, 0, None, 400_000, None, None, None),),
    groups=(), wasted=(), wasted_left_out=(0, 0), leftovers=(), duplicates=(), largest=(), fixes=(), diff="",
    proof=None, warnings=(), missing={"live_bytes": "no layer was read"},
)  # fmt: skip

TABLE = """\
shop\\n: built from Dockerfile, linux/amd64, 3 layers, 1 of the base image

                 bytes
image              1MB
  base image     500kB   50%
  shown          700kB   70%
  wasted         300kB   30%
    reclaimable  270kB   27%
leftovers         20kB  2.0%
duplicates        64kB  6.4%
pull             400kB

By step
line  bytes  wasted   pull  step
  #1  500kB    30kB  250kB  ADD rootfs / (base image)
  12  270kB   270kB  135kB  COPY . /app | x
  14  230kB      0B  115kB  RUN chown -R app /app

Largest files
bytes  wasted  step  name
200kB      0B    #1  /big

Wasted in your layers
bytes   pull  files  stored by  buried by  how                                         where
270kB  ~91kB      9         12         14  same content, stored again (owner changed)  /app

Leftovers
bytes  files  stored by  path  what
 20kB      2         14  /tmp  temporary files

Duplicates
bytes    copies  paths
 64kB  2 × 64kB  /a, /b

What to do
14: RUN chown …: image −270kB
14: ends with rm
  does not hold: /a\\n is new
proven by a build: the image loses 269kB (foretold: 270kB), a pull about 90kB
2 paths are not as they were
the configuration of the image differs: Env
`app --version` in the fixed image: passed
  /app/log: content, written anew by a RUN step
  /app: owner

note: something is left
"""


@pytest.mark.parametrize("result", [RESULT, BY_DIRECTORY, SIZES_ONLY])
def test_the_json_follows_its_schema(result: ImageReport) -> None:
    text = drawing("image", "json")(result, Look())

    jsonschema.validate(json.loads("".join(text)), SCHEMA)


def test_steps_that_are_not_to_be_listed_are_in_no_table() -> None:
    first, *others = RESULT.steps
    result = replace(RESULT, steps=(replace(first, listed=False), *others))
    for format in ("table", "markdown", "csv"):
        text = "".join(drawing("image", format)(result, Look()))
        assert "ADD rootfs" not in text and "COPY . /app" in text


def test_the_table() -> None:
    assert drawing("image", "table")(RESULT, Look()) == TABLE


def test_a_view_in_place_of_the_steps() -> None:
    text = "".join(drawing("image", "table")(BY_DIRECTORY, Look(rows=1)))

    assert "By step" not in text
    assert "Directory\nbytes  wasted  files  name\n 500B    100B      3  /usr\n… and 3 more" in text


def test_csv_has_a_line_for_each_step_or_row() -> None:
    steps = "".join(drawing("image", "csv")(RESULT, Look()))
    rows = "".join(drawing("image", "csv")(BY_DIRECTORY, Look()))

    assert steps.splitlines()[2] == "2,12,2,False,270000,0,270000,0,135000,3,COPY . /app | x"
    assert len(steps.splitlines()) == 5
    assert rows.splitlines() == [
        "name,bytes,live_bytes,wasted_bytes,files,step", "/usr,500,400,100,3,", "'=app,5,5,0,1,",
    ]  # fmt: skip


def test_markdown_makes_no_markup_of_names() -> None:
    text = "".join(drawing("image", "markdown")(RESULT, Look()))

    assert text.startswith("### The image shop\\\\n\n")
    assert "| 12 | 270kB | 270kB | 135kB | `COPY . /app \\| x` |" in text
    assert "| 270kB | ~91kB | 9 | 12 | 14 | same content, stored again (owner changed) | `/app` |" in text
    assert "**proven by a build: the image loses 269kB" in text


@pytest.mark.parametrize("name", FORMATS["image"])
def test_sizes_alone_are_a_report_too(name: str) -> None:
    assert "".join(drawing("image", name)(SIZES_ONLY, Look()))
