#!/usr/bin/env python3
"""How long a static `ctxsize check` takes, as a ratio to GNU `du` of the same tree in the same run.

    python benchmarks/check.py [--files 100000] [--runs 5]

Whole processes, start-up included, on a warm cache; medians of alternating runs. The tree is that of
benchmarks/scan.py. The project is within its budget, as it is in nearly every run of a CI; a second row has
a forbidden file.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scan import TYPICAL, make_tree  # noqa: E402

BAR = 2.5
CONFIG = """\
[budget]
context = "1 GB"
context-files = 10000000
forbid = ["**/.env", "**/*.pem", "**/id_rsa"]
require-ignored = [".git"]
"""


def seconds(command: Sequence[str], expected: int) -> float:
    """Wall time of a process, which must end with the exit code ``expected``."""
    start = time.perf_counter()
    code = subprocess.run(command, stdout=subprocess.DEVNULL, cwd=ROOT, check=False).returncode
    if code != expected:
        sys.exit(f"{command[0]} ended with {code}")
    return time.perf_counter() - start


def measure(root: Path, runs: int, name: str, expected: int, bar: float | None) -> bool:
    """Print one row; returns whether the bar was met."""
    check = [sys.executable, "-m", "ctxsize", "check", str(root)]
    du = ["du", "-s", "--apparent-size", str(root)]
    seconds(du, 0)
    pairs = [(seconds(du, 0), seconds(check, expected)) for _ in range(runs)]
    peer, own = (statistics.median(series) for series in zip(*pairs, strict=True))
    shown = "" if bar is None else f"bar {bar}"
    print(f"{name:44} du {peer:5.2f} s, check {own:5.2f} s: {own / peer:.2f} x  {shown}")
    return bar is None or own / peer <= bar


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as scratch:
        root = Path(scratch) / "tree"
        print(f"making {args.files:,} files …", file=sys.stderr)
        make_tree(root, args.files)
        (root / ".dockerignore").write_text("\n".join(TYPICAL) + "\n")
        (root / ".ctxsize.toml").write_text(CONFIG)
        met = measure(root, args.runs, "within budget", 0, BAR)
        (root / "p00" / "server.pem").write_text("")
        measure(root, args.runs, "a forbidden file", 1, None)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
