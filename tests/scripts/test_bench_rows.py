"""Figures of benchmarks become one table, with their bars, that can be put into a page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "benchmarks/rows.py"
BENCHMARK = """
import sys
sys.path.insert(0, sys.argv[1])
from rows import row
print(row("fast | enough", 1.23456, 1.5, detail="2 s against 1 s"), row("large", 80, 60, unit="MB"))
print(row("often", 18, 19, unit="times", least=True), row("told", 7, None))
"""


def rows(*words: str) -> str:
    done = subprocess.run([sys.executable, PROGRAM, *words], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The results of a benchmark with four figures, and of one that failed."""
    script = tmp_path / "walk.py"
    script.write_text(BENCHMARK)
    taken = tmp_path / "rows.jsonl"
    done = subprocess.run(
        [sys.executable, script, PROGRAM.parent],
        env={**os.environ, "CTXSIZE_BENCH_ROWS": str(taken)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True False\nFalse True\n"
    saved = tmp_path / "results.json"
    rows(str(taken), "--save", str(saved), "--failed=walk", "--failed=send")
    return saved


TABLE = """\
| benchmark | case | figure | bar | | measured |
| --- | --- | --- | --- | --- | --- |
| walk | fast \\| enough | 1.235 × | ≤ 1.5 | met | 2 s against 1 s |
| walk | large | 80 MB | ≤ 60 | **missed** |  |
| walk | often | 18 times | ≥ 19 | **missed** |  |
| walk | told | 7 × |  |  |  |
| send | failed | – |  | **missed** | see its output |
"""


def test_all_figures_are_saved_and_those_that_gave_none_are_named(results: Path) -> None:
    found = json.loads(results.read_text())
    assert [each["met"] for each in found["rows"]] == [True, False, False, True, False]
    assert found["rows"][0]["figure"] == 1.235
    assert found["machine"] and found["date"].count("-") == 2


def test_the_table_replaces_the_one_in_a_page(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- table: scripts/bench -->\nold\n<!-- end of the table -->\nafter\n")
    printed = rows(str(results), "--into", str(page))
    assert printed.endswith(TABLE)
    text = page.read_text()
    assert text.startswith("# A\n\n<!-- table: scripts/bench -->\n")
    assert text.endswith(TABLE + "<!-- end of the table -->\nafter\n")
    assert "\nold\n" not in text
    rows(str(results), "--into", str(page))
    assert page.read_text() == text


def test_the_page_of_the_benchmarks_has_a_place_for_it() -> None:
    text = (ROOT / "benchmarks/README.md").read_text()
    assert text.count("<!-- table: scripts/bench -->") == text.count("<!-- end of the table -->") == 1
