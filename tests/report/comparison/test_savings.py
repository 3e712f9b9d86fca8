"""The tables of a comparison: one or two, columns that add up, rows that fit the terminal."""

from __future__ import annotations

import dataclasses
import re

import pytest

from ctxsize.comparison.types import Comparison, PathSaving, RuleSaving
from ctxsize.ignore.types import Rule
from ctxsize.report.shared.columns import text_width
from ctxsize.report.shared.look import Look
from ctxsize.units import format_bytes
from tests.report.comparison.test_formats import LOGS, RESULT, draw

ONE = "Saved, by path and rule"


def second_log(result: Comparison) -> Comparison:
    """``result`` with a path more, of a rule that has one already."""
    path = PathSaving("b.log", LOGS, 0, 0, 0, 0)
    rule = dataclasses.replace(result.rules[1], paths=2)
    return dataclasses.replace(result, paths=(*result.paths, path), rules=(result.rules[0], rule))


@pytest.mark.parametrize(
    ("by", "single", "titles"),
    [
        ("auto", True, ["Saved, by path and rule"]),
        ("auto", False, ["Saved, by path", "Saved, by rule"]),
        ("path", False, ["Saved, by path"]),
        ("rule", True, ["Saved, by rule"]),
        ("both", True, ["Saved, by path and rule", "Saved, by rule"]),
    ],
)
def test_paths_and_rules_are_one_table_where_they_are_one_to_one_and_as_asked_elsewhere(
    by: str, single: bool, titles: list[str]
) -> None:
    text = draw("table", RESULT if single else second_log(RESULT), Look(listing=by))

    assert [line for line in text.splitlines() if line.startswith("Saved, ")] == titles


def test_rules_without_paths_are_counted_below_but_not_exceptions() -> None:
    rules = [Rule(3, "gone", "gone", False), Rule(5, "!kept", "kept", True), Rule(7, "also", "also", False)]
    unused = [RuleSaving(rule, 0, 0, 0, 0, 0) for rule in rules]
    text = draw("table", dataclasses.replace(RESULT, rules=(*RESULT.rules, *unused)))

    assert "\n2 rules decide about no ignored path (lines 3, 7): `ctxsize lint` says why.\n" in text
    assert ONE in text


def test_every_column_adds_up_whatever_rows_are_shown() -> None:
    sizes = [5_000, 700, 90, 8]
    paths = tuple(PathSaving(f"p{size}", LOGS, 1, size, size * 2, size * 3) for size in sizes)
    saved = dataclasses.replace(
        RESULT.saved, context_files=3, context_bytes=5_708, image_bytes=11_600, pull_bytes=17_400
    )
    rest = dataclasses.replace(
        RESULT.unattributed, context_bytes=-90, image_bytes=0, derived_bytes=4, pull_bytes=6
    )
    result = dataclasses.replace(RESULT, paths=paths, saved=saved, unattributed=rest)
    exact = {format_bytes(size): size for size in range(-100, 20_000)}
    for rows in (0, 1, 2, 4):
        table = draw("table", result, Look(rows=rows, listing="path")).split("Saved, ")[1].splitlines()
        header = re.finditer(r"files|context|image|pull", table[1])
        ends = [match.end() for match in header]
        lines = table[2 : 1 + next(at for at, line in enumerate(table) if line.startswith("in all"))]
        columns = [[line[:end].rsplit("  ", 1)[-1].strip() for line in lines] for end in ends]
        for column, total in zip(columns, (3, 5_708, 11_600, 17_400), strict=True):
            cells = [int(cell) if cell.lstrip("-").isdigit() else exact[cell] for cell in column[:-1] if cell]
            assert abs(sum(cells) - total) <= 50 * len(cells), (rows, column)


def test_a_comparison_without_figures_of_images_says_why_their_columns_are_missing() -> None:
    paths = [dataclasses.replace(path, image_bytes=None, pull_bytes=None) for path in RESULT.paths]
    failed = dataclasses.replace(RESULT.variants["with"], image=None, build=None, error="step 3 failed")
    rest = dataclasses.replace(RESULT.unattributed, image_bytes=None, derived_bytes=None, pull_bytes=None)
    variants = {**RESULT.variants, "with": failed}
    text = draw("table", dataclasses.replace(RESULT, paths=(*paths,), variants=variants, unattributed=rest))

    assert "path              files  context  .dockerignore\n" in text
    assert "note: no image and pull bytes by path: step 3 failed\n" in text


LONG = dataclasses.replace(
    RESULT,
    paths=(
        dataclasses.replace(RESULT.paths[0], path="a/very/" + "long/" * 30 + "name.bin", note="n" * 70),
        dataclasses.replace(RESULT.paths[1], path="日本語" * 20 + ".log"),
    ),
)


@pytest.mark.parametrize("width", [60, 72, 80, 100, 200])
def test_rows_never_wrap_and_names_lose_their_middle(width: int) -> None:
    lines = draw("table", LONG, Look(width=width, blocks=True)).split(ONE)[1].splitlines()[1:6]

    assert max(map(text_width, lines)) <= width
    assert "a/" in lines[1]
    assert ".bin" in lines[1]
    assert "…" in lines[1] or width == 200
    assert lines[2].count("日") + lines[2].count("本") > 0


def test_notes_are_below_the_table_by_number_each_once() -> None:
    paths = tuple(dataclasses.replace(path, note="the same") for path in RESULT.paths)
    text = draw("table", dataclasses.replace(RESULT, paths=paths))

    assert text.count("(1)\n") == 2
    assert text.count("  (1) the same\n") == 1


def test_bars_show_shares_on_a_terminal_only() -> None:
    piped = draw("table", RESULT)
    blocks = draw("table", RESULT, Look(width=100, blocks=True))
    ascii_ = draw("table", RESULT, Look(width=100))

    assert not set("█▍#") & set(piped)
    bars = [line[:12].rstrip() for line in blocks.split(ONE)[1].splitlines()[2:4]]
    assert bars == ["█" * 11 + "▋", "▍"]
    bars = [line[:12].rstrip() for line in ascii_.split(ONE)[1].splitlines()[2:4]]
    assert bars == ["#" * 12, "#"]
    assert draw("table", RESULT, Look(width=71, blocks=True)).count("█") == 0
