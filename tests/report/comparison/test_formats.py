"""The report of a comparison, whole: what a person reads and what a program reads."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import jsonschema
import pytest

from ctxsize.comparison.types import (
    BuildFigures,
    Comparison,
    ContextFigures,
    PathSaving,
    RuleSaving,
    Saved,
    Unattributed,
    VariantFigures,
)
from ctxsize.engine.builders.interface import Step
from ctxsize.ignore.types import Rule
from ctxsize.measure.figures import Cost, EngineFigures, ImageFigures, ProjectFigures, SecondsSaved
from ctxsize.report.formats import drawing
from ctxsize.report.shared.look import Look
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.units import format_bytes
from ctxsize.warning import Warning

SCHEMAS = Path(__file__).parents[3] / "docs/schema"
SCHEMA = json.loads((SCHEMAS / "comparison-1.json").read_text())

PLAIN = Look()
GIT = Rule(1, ".git", ".git", False)
LOGS = Rule(2, "*.log", "*.log", False)


def variant(size: int, files: int, seconds: float) -> VariantFigures:
    step = Step("COPY . .", seconds / 2, cached=False, phase="copy", line=3)
    return VariantFigures(
        context=ContextFigures(files, 1, size, size, size + 100),
        image=ImageFigures("sha256:1", 2_000_000 + size, 2_000_000 + size, 1_000_000 + size // 2, 3),
        build=BuildFigures(seconds, (seconds, seconds), 0.0, {"copy": seconds / 2}, (step,)),
    )


RESULT = Comparison(
    version="0.1.0",
    created="2026-11-23T12:00:00+00:00",
    project=ProjectFigures("shop", "Dockerfile", ".dockerignore", None),
    engine=EngineFigures("28.5.2", "1.51", "buildkit", "overlay2", remote=False),
    variants={"with": variant(10_000, 4, 1.0), "without": variant(3_010_000, 300, 2.5)},
    saved=Saved(3_000_000, 296, 3_000_000, 1_500_000, SecondsSaved(1.5, 1.2, 1.8, True)),
    paths=(
        PathSaving(".git", GIT, 295, 2_900_000, 2_900_000, 1_400_000),
        PathSaving("odd\nname.log", LOGS, 1, 100_010, 100_000, 90_000, note="a note"),
    ),
    rules=(
        RuleSaving(GIT, 1, 295, 2_900_000, 2_900_000, 1_400_000),
        RuleSaving(LOGS, 1, 1, 100_010, 100_000, 90_000),
    ),
    unattributed=Unattributed(-10, -10, 10, 10_000),
    warnings=(
        Warning("path-seconds", "only in the JSON"),
        Warning("some-code", "look at this", ".dockerignore:2"),
    ),
)


def draw(name: str, result: Comparison, look: Look = PLAIN) -> str:
    return "".join(drawing("comparison", name)(result, look))


TABLE = """\
Your .dockerignore saves 3MB of context, 3MB of image and 1.50 s per build (60%); `.git` alone is 2.9MB.

shop: Dockerfile, .dockerignore
Docker 28.5.2, buildkit, overlay2

              with  without   saved
context       10kB   3.01MB     3MB  99.7%
  files          4      300     296    99%
  sent      10.1kB   3.01MB     3MB  99.7%
image       2.01MB   5.01MB     3MB    60%
pull           1MB    2.5MB   1.5MB    60%
build time  1.00 s   2.50 s  1.50 s    60%  95% 1.20 s to 1.80 s

Saved, by path and rule
path              files  context  image   pull  .dockerignore
.git                295    2.9MB  2.9MB  1.4MB  1 .git
odd\\nname.log         1    100kB  100kB   90kB  2 *.log        (1)
(derived by RUN)                    10B
(not attributed)            -10B   -10B   10kB
in all              296      3MB    3MB  1.5MB
  (1) a note

note: no build time by path: only in the JSON
note: .dockerignore:2: look at this
"""


def test_the_table_is_read_in_ten_seconds() -> None:
    assert draw("table", RESULT) == TABLE


def test_the_platform_is_in_the_table_where_it_was_asked_for_and_always_in_the_json() -> None:
    for asked in (False, True):
        project = dataclasses.replace(RESULT.project, platform="linux/arm64", platform_asked=asked)
        result = dataclasses.replace(RESULT, project=project)

        assert ("shop: Dockerfile, .dockerignore, for linux/arm64\n" in draw("table", result)) is asked
        assert json.loads(draw("json", result))["project"]["platform"] == "linux/arm64"


def test_top_cuts_the_tables_and_says_so() -> None:
    text = draw("table", RESULT, Look(rows=1))

    assert text.count("… and 1 more (--top 0 shows all)") == 1
    assert "name.log" not in text
    assert "(1 more)              1    100kB  100kB   90kB\n" in text


def test_a_path_whose_seconds_were_measured_is_shown_in_any_case() -> None:
    first, last = RESULT.paths
    last = dataclasses.replace(last, path="measured", seconds=2.25, seconds_source="measured")
    rest = dataclasses.replace(RESULT.unattributed, seconds=0.0)
    result = dataclasses.replace(RESULT, paths=(first, first, last), unattributed=rest)

    table, markdown = (draw(name, result, Look(rows=1)) for name in ("table", "markdown"))

    assert "2.25 s" in next(line for line in table.splitlines() if line.startswith("measured"))
    assert "| `measured` | 1 | 100kB | 100kB | 2.25 s |" in markdown
    assert "… and 1 more" in table
    assert "… and 1 more" in markdown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (SecondsSaved(0.1, -0.1, 0.3, False), "no measurable difference"),
        (SecondsSaved(0.1, None, None, None), "0.10 s   4.0%  too few builds to tell it from noise"),
        (SecondsSaved(-0.5, -0.6, -0.4, True), "-0.50 s   -20%  95% -0.60 s to -0.40 s"),
    ],
)
def test_a_difference_of_times_is_called_what_it_is(seconds: SecondsSaved, text: str) -> None:
    saved = dataclasses.replace(RESULT.saved, seconds=seconds)
    line = draw("table", dataclasses.replace(RESULT, saved=saved)).splitlines()[11]

    assert line.endswith(text)


def test_a_variant_that_failed_is_shown_as_failed_and_what_it_leaves_unknown_as_a_question_mark() -> None:
    failed = dataclasses.replace(RESULT.variants["with"], image=None, build=None, error="no")
    saved = dataclasses.replace(RESULT.saved, image_bytes=None, pull_bytes=None, seconds=None)
    result = dataclasses.replace(RESULT, variants={**RESULT.variants, "with": failed}, saved=saved)
    lines = draw("table", result).splitlines()

    assert lines[9].split() == ["image", "?", "5.01MB", "?"]
    assert lines[11].split() == ["build", "time", "failed", "2.50", "s", "?"]


def test_colours_only_where_they_are_allowed() -> None:
    assert "\x1b[" not in draw("table", RESULT)
    assert "\x1b[32m" in draw("table", RESULT, Look(colour=True))


def test_the_json_follows_its_schema_and_has_everything() -> None:
    document = json.loads(draw("json", RESULT, Look(rows=1)))

    jsonschema.validate(document, SCHEMA)
    assert [path["path"] for path in document["paths"]] == [".git", "odd\nname.log"]
    assert document["rules"][1]["pattern"] == "*.log"
    assert document["saved"]["seconds"] == {"median": 1.5, "low": 1.2, "high": 1.8, "significant": True}
    assert document["variants"]["without"]["build"]["steps"][0]["line"] == 3
    assert len(document["warnings"]) == 2


def test_names_that_are_no_utf_8_can_be_written_as_json() -> None:
    odd = dataclasses.replace(RESULT.paths[0], path="caf\udce9")
    text = draw("json", dataclasses.replace(RESULT, paths=(odd,)))

    text.encode()
    assert json.loads(text)["paths"][0]["path"] == "caf\\xe9"


def test_files_that_look_like_secrets_are_notes_of_the_table_and_all_in_the_json() -> None:
    seen = SensitiveFile(
        "certs/a.pem", "private-key", "private key", "likely", True, True, None, 1, "content", None
    )
    kept_out = dataclasses.replace(seen, path=".git/odd\n", eligible=False, rule=GIT, line=None, group=".git")
    result = dataclasses.replace(RESULT, sensitive=(seen, kept_out))
    assert draw("table", result).endswith(
        """
note: no build time by path: only in the JSON
note: 1 file that the build can see looks like a secret: certs/a.pem (private key)
note: only the ignore file keeps out 1 file that looks like a secret: .git/odd\\n (private key)
note: .dockerignore:2: look at this
"""
    )
    document = json.loads(draw("json", result))
    jsonschema.validate(document, SCHEMA)
    assert [file["path"] for file in document["sensitive"]] == ["certs/a.pem", ".git/odd\n"]


def test_markdown_of_a_comparison() -> None:
    text = draw("markdown", RESULT, Look(rows=1))

    assert text == (
        "### What .dockerignore saves: shop\n"
        "\n"
        "Your .dockerignore saves 3MB of context, 3MB of image and 1.50 s per build (60%);"
        " `.git` alone is 2.9MB.\n"
        "\n"
        "|  | with | without | saved |\n"
        "| :--- | ---: | ---: | ---: |\n"
        "| context | 10kB | 3.01MB | 3MB (99.7%) |\n"
        "| files | 4 | 300 | 296 (99%) |\n"
        "| image | 2.01MB | 5.01MB | 3MB (60%) |\n"
        "| pull | 1MB | 2.5MB | 1.5MB (60%) |\n"
        "| build time | 1.00 s | 2.50 s | 1.50 s, 95% 1.20 s to 1.80 s |\n"
        "\n"
        "| path | files | context | image | rule |\n"
        "| :--- | ---: | ---: | ---: | :--- |\n"
        "| `.git` | 295 | 2.9MB | 2.9MB | `.dockerignore:1 .git` |\n"
        "| … and 1 more |  |  |  |  |\n"
        "\n"
        "- .dockerignore:2: look at this\n"
        "\n"
        "<sub>ctxsize 0.1.0, Docker 28.5.2, buildkit</sub>\n"
    )


def test_csv_of_a_comparison_has_every_path() -> None:
    rows = list(csv.DictReader(io.StringIO(draw("csv", RESULT, Look(rows=1))), strict=True))

    assert [(row["path"], row["rule"], row["image_bytes"], row["seconds"]) for row in rows] == [
        (".git", ".git", "2900000", ""),
        ("odd\\nname.log", "*.log", "100000", ""),
    ]


TIMED = dataclasses.replace(
    RESULT,
    paths=(
        dataclasses.replace(
            RESULT.paths[0], seconds=1.25, seconds_low=1.0, seconds_high=1.5, seconds_source="measured"
        ),
        dataclasses.replace(
            RESULT.paths[1], seconds=0.125, seconds_low=-0.1, seconds_high=0.4, seconds_source="estimated"
        ),
    ),
    rules=(
        dataclasses.replace(
            RESULT.rules[0], seconds=1.25, seconds_low=1.0, seconds_high=1.5, seconds_source="measured"
        ),
        dataclasses.replace(
            RESULT.rules[1], seconds=0.125, seconds_low=-0.1, seconds_high=0.4, seconds_source="estimated"
        ),
    ),
    unattributed=dataclasses.replace(RESULT.unattributed, seconds=0.13),
    calibration={"copy": Cost(1e-8, 1e-4)},
)

TIMES = """\
Saved, by path and rule
path              files  context  image   pull  build time  .dockerignore
.git                295    2.9MB  2.9MB  1.4MB      1.25 s  1 .git
odd\\nname.log         1    100kB  100kB   90kB     ~0.12 s  2 *.log        (1)
(derived by RUN)                    10B
(not attributed)            -10B   -10B   10kB      0.13 s
in all              296      3MB    3MB  1.5MB      1.50 s
  (1) a note
"""


def test_build_time_by_path_and_rule_says_what_is_an_estimate() -> None:
    assert TIMES in draw("table", TIMED)
    assert "note: no build time" not in draw("table", TIMED)


def test_what_is_left_out_is_marked_as_an_estimate_too() -> None:
    text = draw("table", TIMED, Look(rows=1, listing="rule"))

    assert "(1 more)              1    100kB  100kB   90kB     ~0.12 s" in text


def test_time_that_rounds_to_nothing_is_not_in_the_row_of_the_rest() -> None:
    rest = dataclasses.replace(TIMED.unattributed, seconds=-0.004)
    text = draw("table", dataclasses.replace(TIMED, unattributed=rest))

    assert "(not attributed)            -10B   -10B   10kB\n" in text


def test_the_json_has_every_times_interval_and_source_and_what_it_was_divided_by() -> None:
    document = json.loads(draw("json", TIMED))

    jsonschema.validate(document, SCHEMA)
    times = [
        [row[key] for key in ("seconds", "seconds_low", "seconds_high", "seconds_source")]
        for row in (*document["paths"], *document["rules"])
    ]
    assert times == [[1.25, 1.0, 1.5, "measured"], [0.125, -0.1, 0.4, "estimated"]] * 2
    assert document["unattributed"]["seconds"] == 0.13
    assert document["calibration"] == {"copy": {"seconds_per_byte": 1e-8, "seconds_per_entry": 1e-4}}
    step = document["variants"]["without"]["build"]["steps"][0]
    assert (step["phase"], step["seconds"], step["critical_seconds"]) == ("copy", 1.25, 0.0)


def test_several_are_one_report_with_a_sum(tmp_path: Path) -> None:
    other = dataclasses.replace(
        RESULT, saved=dataclasses.replace(RESULT.saved, context_bytes=1_000_000, image_bytes=None)
    )
    both = [RESULT, other]

    text = "".join(drawing("comparisons", "table")(both, PLAIN))
    assert "".join(drawing("comparison", "table")(RESULT, PLAIN)) in text
    images = f"{format_bytes(RESULT.saved.image_bytes or 0)} of images (1 of 2)"
    size = format_bytes((RESULT.saved.context_bytes or 0) + 1_000_000)
    assert text.endswith(f"\nall 2 save {size} of context and {images}\n")
    assert "".join(drawing("comparisons", "markdown")(both, PLAIN)).endswith(text.splitlines()[-1] + "\n")

    document = json.loads("".join(drawing("comparisons", "json")(both, PLAIN)))
    jsonschema.validate(document, json.loads((SCHEMAS / "comparisons-1.json").read_text()))
    for each in document["comparisons"]:
        jsonschema.validate(each, SCHEMA)
    rows = list(csv.reader(io.StringIO("".join(drawing("comparisons", "csv")(both, PLAIN)))))
    assert rows[0][:2] == ["project", "path"] and len(rows) == 1 + 2 * len(RESULT.paths)
