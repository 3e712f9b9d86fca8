"""What a whole comparison costs, against the same builds by the official client.

    python benchmarks/compare.py [--base IMAGE] [--rounds N] [--scale X] [--client COMMAND]

`ctxsize compare --repeat 3` (its scan, six builds and a warm-up, the images read, build time divided over
the paths) against six runs of `docker build`, three with and three without the ignore file, on both builders.
For the client every build has a context directory of a new name and no cache, so that it sends all and runs
all, as ours do. Whole processes, alternating. The bar is 1.15.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from attribution import PROJECTS
from rows import row

BAR = 1.15
BASE = "ctxsize/base-busybox:local"
TAG = "ctxsize-benchmark-compare"
BUILDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base", default=BASE, help="the base image (default: %(default)s)")
    parser.add_argument("--client", default="docker", help="the official client (default: %(default)s)")
    parser.add_argument("--builder", action="append", choices=["buildkit", "classic"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scale", type=float, default=1.0, help="of the ignored parts")
    arguments = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory(prefix="ctxsize-benchmark-") as directory:
        top = Path(directory) / "project"
        top.mkdir()
        PROJECTS["everything"](top, arguments.scale)
        for builder in arguments.builder or ("buildkit", "classic"):
            ours, theirs = [], []
            for _ in range(arguments.rounds):
                ours.append(compare(top, builder, arguments.base))
                theirs.append(official(top, builder, arguments.base, shlex.split(arguments.client)))
            ratio = statistics.median(ours) / statistics.median(theirs)
            shown = [" ".join(f"{seconds:.1f}" for seconds in series) for series in (ours, theirs)]
            print(
                f"{builder}: compare {shown[0]} s, six builds {shown[1]} s: {ratio:.2f}× (bar {BAR})",
                flush=True,
            )
            detail = f"compare {shown[0]} s, six builds {shown[1]} s"
            missed |= not row(builder, ratio, BAR, detail=detail)
    return 1 if missed else 0


def compare(top: Path, builder: str, base: str) -> float:
    """Seconds of one `ctxsize compare`."""
    command = [sys.executable, "-m", "ctxsize", "compare", "--builder", builder, "--repeat", str(BUILDS)]
    return seconds([*command, "--build-arg", f"BASE={base}", "-q", str(top)], {})


def official(top: Path, builder: str, base: str, client: list[str]) -> float:
    """Seconds of the official client's builds together."""
    ignore = top / ".dockerignore"
    rules = ignore.read_bytes()
    total = 0.0
    environment = {"DOCKER_BUILDKIT": "1" if builder == "buildkit" else "0"}
    name = top
    for number in range(BUILDS):
        for with_ignore_file in (True, False) if number % 2 == 0 else (False, True):
            renamed = name.with_name(f"project-{builder}-{time.monotonic_ns()}")
            name = name.rename(renamed)
            (name / ".dockerignore").unlink(missing_ok=True)
            if with_ignore_file:
                (name / ".dockerignore").write_bytes(rules)
            build = [
                *client,
                "build",
                "-q",
                "--no-cache",
                "-t",
                TAG,
                "--build-arg",
                f"BASE={base}",
                str(name),
            ]
            total += seconds(build, environment)
            subprocess.run([*client, "image", "rm", TAG], check=True, stdout=subprocess.DEVNULL)
    (name / ".dockerignore").write_bytes(rules)
    name.rename(top)
    return total


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """How long a process takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
