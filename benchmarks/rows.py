"""The rows of the table of benchmarks: each a figure with its bar, kept where ``scripts/bench`` asks for it.

    python benchmarks/rows.py ROWS.jsonl --save RESULTS.json
    python benchmarks/rows.py RESULTS.json --into README.md

The first collects what one run of the benchmarks took down, with the machine, the date and the commit; the
second puts it into a page, between the two lines that say where. Both print the table. A benchmark calls
:func:`row`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: Where rows go: a file that each adds a line of JSON to.
VARIABLE = "CTXSIZE_BENCH_ROWS"
BEGIN, END = "<!-- table: scripts/bench -->", "<!-- end of the table -->"


def row(
    case: str, figure: float, bar: float | None, *, unit: str = "×", least: bool = False, detail: str = ""
) -> bool:
    """Take down one figure of the benchmark that runs; returns whether it is within its bar.

    It must be at most ``bar``, or at least if ``least`` says so; None is a figure for information. ``detail``
    has the measurements that it comes from.
    """
    met = bar is None or (figure >= bar if least else figure <= bar)
    if file := os.environ.get(VARIABLE):
        line = {
            "benchmark": Path(sys.argv[0]).stem,
            "case": case,
            "figure": round(figure, 3),
            "unit": unit,
            "bar": bar,
            "at_least": least,
            "met": met,
            "detail": detail,
        }
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    return met


def failed(benchmark: str, reason: str) -> dict[str, Any]:
    """The row of a benchmark that gave no figures."""
    nothing = {"figure": None, "unit": "", "bar": None, "at_least": False, "met": False}
    return {"benchmark": benchmark, "case": "failed", **nothing, "detail": reason}


def collected(file: Path) -> dict[str, Any]:
    """Everything about one run of the benchmarks."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    rows = [json.loads(line) for line in lines]
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": _said(["git", "rev-parse", "--short", "HEAD"]),
        "machine": _machine(),
        "python": platform.python_version(),
        "engine": _said(["docker", "version", "--format", "{{.Server.Version}}"]),
        "rows": rows,
    }


def _said(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _machine() -> str:
    model = "an unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{len(os.sched_getaffinity(0))} of {model}, {pages / 2**30:.0f} GiB, Linux {platform.release()}"


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the table, in Markdown."""
    yield f"{found['date']}, commit {found['commit']}, Python {found['python']}, Docker {found['engine']},"
    yield f"{found['machine']}:"
    yield ""
    yield "| benchmark | case | figure | bar | | measured |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for each in found["rows"]:
        figure = "–" if each["figure"] is None else f"{each['figure']:.4g} {each['unit']}"
        bar = "" if each["bar"] is None else f"{'≥' if each['at_least'] else '≤'} {each['bar']:g}"
        said = "" if each["bar"] is None and each["met"] else "met" if each["met"] else "**missed**"
        case, detail = (each[key].replace("|", "\\|") for key in ("case", "detail"))
        yield f"| {each['benchmark']} | {case} | {figure} | {bar} | {said} | {detail} |"


def put_into(page: Path, lines: list[str]) -> None:
    """Replace the table in a page."""
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        sys.exit(f"{page} has no place for the table")
    page.write_text("\n".join([before + BEGIN, *lines, END + after]), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--save", type=Path, help="write everything there, as JSON")
    parser.add_argument("--into", type=Path, help="replace the table in this page")
    parser.add_argument("--failed", action="append", default=[], help="a benchmark that failed")
    asked = parser.parse_args()
    if asked.results.suffix == ".json":
        found = json.loads(asked.results.read_text(encoding="utf-8"))
    else:
        found = collected(asked.results)
    known = {each["benchmark"] for each in found["rows"] if not each["met"]}
    found["rows"] += [failed(name, "see its output") for name in asked.failed if name not in known]
    lines = [*table(found)]
    print("\n".join(lines))
    if asked.save:
        asked.save.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if asked.into:
        put_into(asked.into, lines)


if __name__ == "__main__":
    main()
