#!/usr/bin/env python3
"""How much memory a tree of 1,000,000 files takes, 100,000 of them ignored.

    python benchmarks/million.py [--files 1000000] [--base IMAGE] [--only context|compare] [--tree DIR]

The largest process of `ctxsize context`, and of `ctxsize compare --repeat 1` with BuildKit, which sends the
tree to a real engine twice. The tree is that of benchmarks/scan.py. With all files this takes half an hour or
more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rows import row
from scan import make_tree, run

BASE = "ctxsize/base-busybox:local"
#: Megabytes, by command.
BARS = {"context": 60, "compare": 150}


def command(name: str, root: Path, base: str) -> list[str]:
    """What is measured."""
    words = [
        sys.executable,
        "-m",
        "ctxsize",
        name,
        str(root),
        "--quiet",
        "--format",
        "json",
        "-o",
        "/dev/null",
    ]
    return words if name == "context" else [*words, "--repeat", "1", "--build-arg", f"BASE={base}"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--base", default=BASE, help="the base image (default: %(default)s)")
    parser.add_argument("--only", choices=list(BARS))
    parser.add_argument("--tree", type=Path, help="a tree of benchmarks/scan.py that is there already")
    asked = parser.parse_args()
    met = True
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as scratch:
        root = asked.tree or Path(scratch) / "tree"
        if asked.tree is None:
            print(f"making {asked.files:,} files …", file=sys.stderr)
            make_tree(root, asked.files)
        (root / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /app\n")
        (root / ".dockerignore").write_text("p00\np01\n")  # of 20 directories
        for name, bar in BARS.items():
            if asked.only in (None, name):
                done = run(command(name, root.absolute(), asked.base))
                memory = done.memory / 1e6
                print(f"{name}: {memory:.1f} MB at most, {done.wall:.1f} s (bar {bar} MB)", flush=True)
                case = f"{name}, {asked.files:,} files"
                met = row(case, memory, bar, unit="MB", detail=f"{done.wall:.0f} s") and met
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
