#!/usr/bin/env python3
"""How long a hostile ignore file of 1 MiB holds up `ctxsize context`, beside the Docker SDK with the same.

    python benchmarks/hostile.py [--runs 3] [--files 100]

The classic builder takes any number of patterns, BuildKit what 1 MiB of headers holds, so what is measured is
`--builder classic`: processor time of whole processes, start-up included. The peer calls the SDK's
`docker.utils.build.exclude_paths`, as the SDK's `build(path=…)` does; it is stopped after a minute. The bar
is a second, and a quarter for the start-up, where a pattern says what a path must have; the last three rows
have none.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from rows import row

SIZE = 1 << 20
BAR = 1.25
PEER_PATIENCE = 60
PEER = """
import sys
from docker.utils.build import exclude_paths
root = sys.argv[1]
exclude_paths(root, open(root + "/.dockerignore", encoding="utf-8").read().splitlines())
"""


class Case(NamedTuple):
    """One line of the report: ``line`` is repeated with another number each time; ``barred`` has the bar."""

    name: str
    line: str
    barred: bool = True


CASES = [
    Case("the same again", "*"),
    Case("names anywhere", "**/a{}"),
    Case("parts of names", "*a{}*"),
    Case("exceptions", "!a{}*"),
    Case("classes", "[a-z]{}"),
    Case("kinds of characters", "[[:alpha:]]{}*"),
    Case("alternatives", "?a{}|*b{}"),
    Case("all with the same beginning", "a|b{}*", barred=False),
    Case("all match everything", "*|{}", barred=False),
    Case("quotes", "\\Qa{}\\E*", barred=False),
]


def ignore_file(line: str) -> str:
    """1 MiB of the line."""
    lines: list[str] = []
    size = 0
    while size < SIZE:
        lines.append(line.replace("{}", str(len(lines))))
        size += len(lines[-1]) + 1
    return "\n".join(lines)


def seconds(command: list[str], patience: float | None = None) -> float | None:
    """Processor time of a command; None when it fails or does not end in time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=patience)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--files", type=int, default=100)
    args = parser.parse_args()
    met = True
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as scratch:
        root = Path(scratch)
        for number in range(args.files):
            (root / f"n{number}.txt").write_text("x")
        (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
        ours = [sys.executable, "-m", "ctxsize", "context", "--builder", "classic", str(root)]
        print(f"{'a file of 1 MiB':30} {'ctxsize s':>9} {'SDK s':>7} {'ratio':>8}")
        for case in CASES:
            (root / ".dockerignore").write_text(ignore_file(case.line))
            runs = [seconds(ours) for _ in range(args.runs)]
            if None in runs:
                sys.exit(f"{case.name}: ctxsize failed")
            own = statistics.median(each for each in runs if each is not None)
            peer = seconds([sys.executable, "-c", PEER, str(root)], PEER_PATIENCE)
            peer_said = f"{peer:.1f} s" if peer else "more than a minute"
            bar = BAR if case.barred else None
            met = row(case.name, own, bar, unit="s", detail=f"the SDK: {peer_said}") and met
            shown = f"{peer:7.2f} {own / peer:8.3f}" if peer else f"{'> 60':>7} {'-':>8}"
            print(f"{case.name:30} {own:9.2f} {shown}", flush=True)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
