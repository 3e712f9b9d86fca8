#!/usr/bin/env python3
"""How long a static `ctxsize check` takes, as a ratio to GNU `du` of the same tree in the same run.

    python benchmarks/check.py [--files 100000] [--runs 5]

Whole processes, start-up included, on a warm cache; medians of alternating runs. The tree is that of
benchmarks/scan.py. The project is within its budget, as it is in nearly every run of a CI; another row has
24 targets of a Compose file against one of them, and another a forbidden file.
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

from rows import row  # noqa: E402

from benchmarks.scan import TYPICAL, make_tree  # noqa: E402

BAR = 2.5
BAR_TARGETS = 1.5
TARGETS = 24
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
    return row(name, own / peer, bar, detail=f"{own:.2f} s against {peer:.2f} s of du")


def measure_targets(root: Path, runs: int) -> bool:
    """Print what the targets of a Compose file that share a context take longer than one of them."""
    commands = []
    for number in (1, TARGETS):
        services = [f"  s{each}:\n    build: {{context: ., target: t{each}}}\n" for each in range(number)]
        file = root / f"{number}.compose.yaml"
        file.write_text("services:\n" + "".join(services))
        commands.append([sys.executable, "-m", "ctxsize", "check", "--compose", str(file)])
    pairs = [(seconds(commands[0], 0), seconds(commands[1], 0)) for _ in range(runs)]
    one, all_ = (statistics.median(series) for series in zip(*pairs, strict=True))
    name = f"{TARGETS} targets that share a context"
    print(f"{name:44} one {one:5.2f} s, all {all_:5.2f} s: {all_ / one:.2f} x  bar {BAR_TARGETS}")
    return row(name, all_ / one, BAR_TARGETS, detail=f"{all_:.2f} s against {one:.2f} s of one target")


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
        stages = "".join(f"FROM scratch AS t{each}\nCOPY p{each % 20:02} /\n" for each in range(TARGETS))
        (root / "Dockerfile").write_text(stages)
        met = measure_targets(root, args.runs) and met
        (root / "p00" / "server.pem").write_text("")
        measure(root, args.runs, "a forbidden file", 1, None)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
