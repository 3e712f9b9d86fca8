"""What a comparison costs, against the same builds by the official client and the same results by hand.

    python benchmarks/compare.py [--base IMAGE] [--rounds N] [--scale X] [--client COMMAND]

`ctxsize compare --repeat 3` (its scan, six builds and a warm-up, the images read, build time divided over
the paths) against six runs of `docker build`, three with and three without the ignore file, on both builders.
For the client every build has a context directory of a new name and no cache, so that it sends all and runs
all, as ours do. Whole processes, alternating. Before each side begins, all that was written is on the disk
(`sync`, untimed): else it would wait for what the other one left or removed, or for the project just made.

- Until the report is there, a comparison may take 1.25 times as long as the six builds with BuildKit, and
  1.05 times with the classic builder.
- The whole of it, cleaning up included, is to be faster than the same results by hand: the six builds, two
  `docker save`s unpacked, gzip of the layers that the images do not share, and `docker builder prune`. That
  removes the build cache of the engine, so it is left out where there is one already.
"""

from __future__ import annotations

import argparse
import json
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

#: Of the report against six builds.
BARS = {"buildkit": 1.25, "classic": 1.05}
#: Of the whole against the same by hand.
BAR_BY_HAND = 1.0
BASE = "ctxsize/base-busybox:local"
#: The images with and without the ignore file.
TAGS = ("ctxsize-benchmark-with", "ctxsize-benchmark-without")
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
            client = shlex.split(arguments.client)
            by_hand = has_no_cache(client)
            reports, wholes, builds, hands = [], [], [], []
            for _ in range(arguments.rounds):
                os.sync()
                report, whole = compare(top, builder, arguments.base)
                reports.append(report)
                wholes.append(whole)
                os.sync()
                builds.append(official(top, builder, arguments.base, client))
                hands.append(builds[-1] + (rest_by_hand(client) if by_hand else 0.0))
                subprocess.run([*client, "image", "rm", *TAGS], check=True, stdout=subprocess.DEVNULL)
            missed |= shown(f"{builder}: report", reports, "six builds", builds, BARS[builder])
            if by_hand:
                missed |= shown(f"{builder}: compare", wholes, "by hand", hands, BAR_BY_HAND)
            else:
                print(
                    f"{builder}: not against the same by hand: the engine has a build cache, which would go"
                )
    return 1 if missed else 0


def shown(what: str, ours: list[float], peer: str, theirs: list[float], bar: float) -> bool:
    """Print and take down a ratio; whether it misses its bar."""
    ratio = statistics.median(ours) / statistics.median(theirs)
    series = [" ".join(f"{seconds:.1f}" for seconds in each) for each in (ours, theirs)]
    detail = f"{series[0]} s, {peer} {series[1]} s"
    print(f"{what} {detail}: {ratio:.2f}× (bar {bar})", flush=True)
    return not row(what, ratio, bar, detail=detail)


def compare(top: Path, builder: str, base: str) -> tuple[float, float]:
    """Seconds of one `ctxsize compare` until its report is there, and in all."""
    command = [sys.executable, "-m", "ctxsize", "compare", "--builder", builder, "--repeat", str(BUILDS)]
    report = top.parent / "report"
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--build-arg", f"BASE={base}", "-q", "-o", str(report), str(top)])
    while not report.exists() and process.poll() is None:
        time.sleep(0.01)
    reported = time.perf_counter() - started
    if process.wait():
        raise SystemExit("the comparison failed")
    report.unlink()
    return reported, time.perf_counter() - started


def has_no_cache(client: list[str]) -> bool:
    """Whether the engine's build cache is empty."""
    words = [*client, "system", "df", "--format", "{{.Type}}: {{.Size}}"]
    return "Build Cache: 0B" in subprocess.run(words, check=True, capture_output=True, text=True).stdout


def rest_by_hand(client: list[str]) -> float:
    """Seconds of what there is to do by hand once both images are built."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ctxsize-benchmark-") as directory:
        layers = []
        for tag in TAGS:
            unpacked = Path(directory) / tag
            unpacked.mkdir()
            with subprocess.Popen([*client, "save", tag], stdout=subprocess.PIPE) as save:
                subprocess.run(["tar", "x"], stdin=save.stdout, cwd=unpacked, check=True)
            (manifest,) = json.loads((unpacked / "manifest.json").read_bytes())
            layers.append({name: unpacked / name for name in manifest["Layers"]})
        for mine, others in (layers, layers[::-1]):
            for name in mine.keys() - others.keys():
                gzip = f"gzip -6 -c {shlex.quote(str(mine[name]))} | wc -c"
                subprocess.run(gzip, shell=True, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*client, "builder", "prune", "-af"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def official(top: Path, builder: str, base: str, client: list[str]) -> float:
    """Seconds of the official client's builds together; the images have TAGS afterwards."""
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
            tag = TAGS[not with_ignore_file]
            # The image before would stay, without a name.
            subprocess.run([*client, "image", "rm", tag], check=False, capture_output=True)
            build = [
                *client,
                "build",
                "-q",
                "--no-cache",
                "-t",
                tag,
                "--build-arg",
                f"BASE={base}",
                str(name),
            ]
            total += seconds(build, environment)
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
