#!/usr/bin/env python3
"""How long `ctxsize context` reads a tree, as a ratio to GNU `du` of the same tree in the same run.

    python benchmarks/scan.py [--files 100000] [--million] [--runs 5] [--sdk]

Makes its trees in a temporary directory and removes them. Each figure is the median of alternating runs
of whole processes (start-up included) on a warm cache; memory is the largest resident set of the process
that had the largest. See benchmarks/README.md for how to read the ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rows import row

ROOT = Path(__file__).resolve().parent.parent

# Library calls side by side, start of the interpreter and imports not counted: each prints its seconds.
CALL = """
import sys, time
from pathlib import Path
{imports}
root = Path(sys.argv[1])
text = (root / ".dockerignore").read_text()
start = time.perf_counter()
{call}
print(time.perf_counter() - start)
"""
OUR_CALL = CALL.format(
    imports="from ctxsize.context.scan import scan\n"
    "from ctxsize.ignore import Dialect, Matcher, parse_ignore",
    call="rules = parse_ignore(text.encode(), '.dockerignore', Dialect.BUILDKIT).rules\n"
    "scan(root, Matcher(rules, Dialect.BUILDKIT), Dialect.BUILDKIT)",
)
SDK_CALL = CALL.format(
    imports="from docker.utils.build import exclude_paths",
    call="exclude_paths(str(root), text.split())",
)

TYPICAL = [".git", "**/node_modules", "**/*.pyc", "*.log", "build", "dist", ".env*", "coverage/**", "docs/_*"]


class Case(NamedTuple):
    """One line of the report: ``bar`` is the ratio to `du` it must stay below."""

    name: str
    rules: Sequence[str]
    bar: float
    options: Sequence[str] = ()


class Run(NamedTuple):
    """A process that ended: wall time and processor time in seconds, largest resident set in bytes."""

    wall: float
    processor: float
    memory: int
    output: str


def make_tree(root: Path, files: int) -> None:
    """A tree like a web project's: about 20 small files a directory, three levels of packages."""
    rng = random.Random(1)
    directory = made = 0
    while made < files:
        path = root / f"p{directory % 20:02}" / f"pkg{directory // 20 % 25:03}" / f"s{directory // 500:04}"
        path.mkdir(parents=True)
        for number in range(min(20, files - made)):
            suffix = rng.choice([".js", ".ts", ".py", ".md", ".json"])
            (path / f"file{number:03}{suffix}").write_bytes(b"x" * rng.randrange(300))
            made += 1
        directory += 1


def cases() -> list[Case]:
    """``p00`` … ``p19`` hold 5 % of the files each, ``p00/pkg000`` … a fifth of a percent each."""
    one_percent = [f"p00/pkg{number:03}" for number in range(5)]
    most = [f"p{number:02}" for number in range(20)]
    rest = [f"!p00/pkg{number:03}" for number in range(20, 25)]
    almost_all = ["p0[1-9]", "p1?", "p00/pkg00?", "p00/pkg01?", "p00/pkg02[2-4]"]
    two_hundred = [f"**/{kind}{number}*{tail}" for number in range(50) for kind, tail in
                   (("tmp", ""), ("cache", ".bin"), ("out", ".o"), ("gen", ".map"))]  # fmt: skip
    exceptions = ["*"] + [f"!p{number % 20:02}/pkg{number % 25:03}/s*/*.py" for number in range(50)]
    return [
        Case("10 rules, 1 % ignored", [*TYPICAL[:5], *one_percent], 2),
        Case("10 rules, 99 % ignored", [*TYPICAL[:5], *almost_all], 2),
        Case("10 rules, 1 % ignored, eligible only", [*TYPICAL[:5], *one_percent], 2, ["--eligible-only"]),
        Case("… 99 % ignored, eligible only", [*TYPICAL[:5], *most, *rest], 2, ["--eligible-only"]),
        Case("200 rules", two_hundred, 4),
        Case("`*` and 50 exceptions", exceptions, 4),
    ]


def context(root: Path, *options: str) -> list[str]:
    """The command a user types, on ``root``."""
    return [sys.executable, "-m", "ctxsize", "context", str(root), *options]


def run(command: Sequence[str]) -> Run:
    """Run a command to its end; its forks' memory counts when it is larger than its own."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output.strip())


def measure(root: Path, runs: int, sdk: bool) -> bool:
    """Print the table of one tree; returns whether all bars were met."""
    met = True
    print(f"{'case':40} {'du s':>6} {'ctxsize s':>9} {'ratio':>6} {'bar':>4} {'cpu ratio':>9} {'peak MB':>8}")
    for case in cases():
        (root / ".dockerignore").write_text("\n".join(case.rules) + "\n")
        ours, peers = [], []
        for _ in range(runs):
            peers.append(run(["du", "-s", "--apparent-size", str(root)]))
            ours.append(run(context(root, *case.options)))
        peer, own = (statistics.median(each.wall for each in series) for series in (peers, ours))
        cpu = statistics.median(a.processor / b.processor for a, b in zip(ours, peers, strict=True))
        memory = max(each.memory for each in ours) / 1e6
        detail = f"{own:.2f} s against {peer:.2f} s of du; processor {cpu:.2f} ×; {memory:.0f} MB"
        met = row(case.name, own / peer, case.bar, detail=detail) and met
        print(
            f"{case.name:40} {peer:6.2f} {own:9.2f} {own / peer:6.2f} {case.bar:4} {cpu:9.2f} {memory:8.1f}"
        )
    if sdk:
        (root / ".dockerignore").write_text("\n".join(TYPICAL) + "\n")
        own, peer = (
            statistics.median(float(run([sys.executable, "-c", call, str(root)]).output) for _ in range(runs))
            for call in (OUR_CALL, SDK_CALL)
        )
        detail = f"{own:.2f} s against {peer:.2f} s"
        met = row("the SDK's exclude_paths", peer / own, 10, least=True, detail=detail) and met
        print(f"the SDK's exclude_paths: {peer:.2f} s, our scan: {own:.2f} s: {peer / own:.1f} x (bar: 10 x)")
    return met


def measure_pruning(root: Path, alone: Path, runs: int) -> bool:
    """Whether ``--eligible-only`` costs what the eligible part alone does, however much is ignored.

    The tenth that is kept is scanned twice: where 90 % more is ignored beside it, and in a tree of its own.
    """
    kept = ["p00", "p01"]
    alone.mkdir()
    for name in kept:
        shutil.copytree(root / name, alone / name)
    rules = "\n".join(f"p{number:02}" for number in range(len(kept), 20)) + "\n"
    beside, single = [], []
    for tree in (root, alone):
        (tree / ".dockerignore").write_text(rules)
    for _ in range(runs):
        beside.append(run(context(root, "--eligible-only")).wall)
        single.append(run(context(alone, "--eligible-only")).wall)
    ratio = statistics.median(beside) / statistics.median(single)
    print(f"eligible only, 90 % ignored, against the eligible part alone: {ratio:.2f} x (bar: 1.1 x)")
    return row("eligible only, 90 % ignored, against the eligible part alone", ratio, 1.1)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--million", action="store_true", help="1,000,000 files")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sdk", action="store_true", help="also against the SDK's exclude_paths (slow)")
    parser.add_argument("--tree", type=Path, help="use this tree (made by --keep) instead of making one")
    parser.add_argument("--keep", type=Path, help="make the tree there and leave it")
    args = parser.parse_args()
    files = 1_000_000 if args.million else args.files
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as scratch:
        root = args.tree or (args.keep or Path(scratch)) / "tree"
        if not root.exists():
            print(f"making {files:,} files …", file=sys.stderr)
            make_tree(root, files)
        run(["du", "-s", str(root)])
        met = measure(root.absolute(), args.runs, args.sdk)
        met = measure_pruning(root.absolute(), Path(scratch) / "kept", args.runs) and met
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
