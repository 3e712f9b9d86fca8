#!/usr/bin/env python3
"""How fast a 1 GB context goes to a real engine, against the SDK's own `build(path=…)`, which writes it to
a temporary file first; and how much memory that takes.

    python benchmarks/send.py [--megabytes 1000] [--files 20] [--runs 3] [--builder classic|none]

The Dockerfile has no step that would use the context, so that what is measured is the sending. The engine
is DOCKER_HOST's; what is made there is removed. `none` sends to nobody: the stream alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rows import row
from scan import Run, run

ROOT = Path(__file__).resolve().parent.parent
TAG = "ctxsize-benchmark:send"

BUILD = """
import sys, docker
api = docker.APIClient(timeout=600)
root, tag = sys.argv[1:3]
api.params = {"version": "1"}
"""
BUILD_END = """
assert not [event for event in events if "error" in event], events
"""
OURS = {
    "build": BUILD
    + """
from ctxsize.context.send import tar_stream
from ctxsize.context.walk import walk
body = tar_stream(walk(root, None), root)
events = list(api.build(fileobj=body, custom_context=True, tag=tag, rm=True, decode=True))
"""
    + BUILD_END,
    "none": """
import sys
from ctxsize.context.send import tar_stream
from ctxsize.context.walk import walk
for part in tar_stream(walk(sys.argv[1], None), sys.argv[1]): pass
""",
}
SDK = {
    "build": BUILD
    + """
events = list(api.build(path=root, tag=tag, rm=True, decode=True))
"""
    + BUILD_END,
    "none": """
import sys
from docker.utils.build import tar
with tar(sys.argv[1], gzip=False) as file:
    while file.read(1 << 20): pass
""",
}


def make_context(root: Path, size: int, files: int) -> None:
    """``files`` files of incompressible bytes that add up to ``size``, and a Dockerfile."""
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nLABEL org.ctxsize.benchmark=send\n")
    block = os.urandom(1 << 20)
    for number in range(files):
        with (root / f"data{number:05}").open("wb") as file:
            left = size // files
            while left:
                left -= file.write(block[:left])


def report(name: str, runs: Sequence[Run]) -> float:
    """Print one line; returns the median seconds."""
    seconds = statistics.median(each.wall for each in runs)
    cpu = statistics.median(each.processor for each in runs)
    memory = max(each.memory for each in runs) / 1e6
    print(f"  {name:10} {seconds:7.2f} s {cpu:7.2f} s of processor {memory:7.1f} MB peak")
    return seconds


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--builder", choices=["classic", "none"], action="append")
    args = parser.parse_args()
    os.chdir(ROOT)
    met = True
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as scratch:
        root = Path(scratch) / "context"
        make_context(root, args.megabytes * 1_000_000, args.files)
        for builder in args.builder or ["none", "classic"]:
            kind = "none" if builder == "none" else "build"
            ours, sdk = [], []
            for _ in range(args.runs):
                for series, program in ((ours, OURS[kind]), (sdk, SDK[kind])):
                    series.append(run([sys.executable, "-c", program, str(root), TAG]))
            print(f"{builder}: {args.megabytes:,} MB in {args.files:,} files")
            ratio = report("SDK", sdk) / report("ctxsize", ours)
            # Neither ratio is a test: engines differ in how fast they take what is sent.
            print(f"  {ratio:.2f} x as fast (bar: 1.5 x), memory bar 80 MB")
            memory = max(each.memory for each in ours) / 1e6
            met = row(f"{builder}, as fast as the SDK", ratio, 1.5, least=True) and met
            met = row(f"{builder}, memory", memory, 80, unit="MB") and met
        if any(builder != "none" for builder in args.builder or ["classic"]):
            subprocess.run(["docker", "image", "rm", "-f", TAG], capture_output=True, check=False)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
