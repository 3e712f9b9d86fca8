"""Whether the interval keeps its word: comparisons of a project with itself, and with a known difference.

    python benchmarks/interval.py [--base IMAGE] [--builder NAME] [--times N] [--only KIND]

First a project whose ignore file ignores nothing that exists: each comparison should say "no measurable
difference". Then one whose ignored part is a fifth of the build without the ignore file, as found out by
builds before: each comparison should find it. Every comparison makes as many builds as `ctxsize compare`
does. The bar is 19 of 20 for both; exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from rows import row

from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.builds import Builds, build_variants
from ctxsize.measure.figures import WITH, WITHOUT, SecondsSaved
from ctxsize.measure.subject import prepare
from ctxsize.measure.timing import seconds_saved
from ctxsize.progress import Silent

BAR = 0.95
SHARE = 0.2
BASE = "ctxsize/base-busybox:local"
KEPT_BYTES = 60_000_000
#: The builds that find out how large the ignored part must be.
SEARCH_BUILDS = 7


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base", default=BASE, help="the base image (default: %(default)s)")
    parser.add_argument("--builder", action="append", choices=["buildkit", "classic"])
    parser.add_argument("--times", type=int, default=20, help="comparisons of each kind")
    parser.add_argument("--only", choices=["itself", "fifth"], help="one of the two kinds")
    arguments = parser.parse_args()
    missed = False
    for builder in arguments.builder or ("buildkit", "classic"):
        with tempfile.TemporaryDirectory(prefix="ctxsize-benchmark-") as directory:
            top = Path(directory)
            if arguments.only != "fifth":
                project(top, ignored=0)
                same = [compare(top, builder, arguments.base) for _ in range(arguments.times)]
                quiet = sum(not saved.significant for saved, _ in same)
                noise = statistics.median(spread for _, spread in same)
                print(f"{builder}, itself: no measurable difference {quiet} of {len(same)} times")
                print(f"  median absolute deviation of the builds {noise:.1%}", flush=True)
                missed |= not row(
                    f"{builder}, itself: no measurable difference, of {len(same)} times",
                    quiet,
                    BAR * len(same),
                    unit="times",
                    least=True,
                    detail=f"median absolute deviation of the builds {noise:.1%}",
                )
            if arguments.only != "itself":
                size = ignored_part(top, builder, arguments.base)
                different = [compare(top, builder, arguments.base) for _ in range(arguments.times)]
                found = sum(bool(saved.significant and saved.median > 0) for saved, _ in different)
                print(
                    f"{builder}, a fifth of the build ({size / 1e6:.0f} MB):"
                    f" found {found} of {len(different)} times"
                )
                shares = ", ".join(f"{saved.median:.2f}" for saved, _ in different)
                print(f"  seconds saved: {shares}", flush=True)
                missed |= not row(
                    f"{builder}, a fifth of the build: found, of {len(different)} times",
                    found,
                    BAR * len(different),
                    unit="times",
                    least=True,
                    detail=f"{size / 1e6:.0f} MB; seconds saved: {shares}",
                )
    return 1 if missed else 0


def project(top: Path, *, ignored: int) -> None:
    """A project of one large file, with ``ignored`` bytes of another that is ignored (0: there is none)."""
    write(top / "kept", KEPT_BYTES)
    (top / "ignored").unlink(missing_ok=True)
    if ignored:
        write(top / "ignored", ignored)
    (top / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /app\n")
    (top / ".dockerignore").write_text("ignored\nno-such-directory\n")


def write(path: Path, size: int) -> None:
    """A file of ``size`` bytes that do not compress."""
    block = os.urandom(1_000_000)
    with path.open("wb") as file:
        for index in range(0, size, len(block)):
            file.write((index.to_bytes(8, "big") + block[8:])[: size - index])


def ignored_part(top: Path, builder: str, base: str) -> int:
    """Make the ignored part as large as SHARE of a build without the ignore file; returns its bytes."""
    size = KEPT_BYTES // 4
    for _ in range(2):
        project(top, ignored=size)
        measured = builds(top, builder, base, SEARCH_BUILDS)
        without = statistics.median(run.seconds for run in measured[WITHOUT].runs)
        with_ = statistics.median(run.seconds for run in measured[WITH].runs)
        wanted = with_ * SHARE / (1 - SHARE)
        size = round(size * min(max(wanted / max(without - with_, 0.01), 0.3), 3.0))
    project(top, ignored=size)
    return size


def compare(top: Path, builder: str, base: str) -> tuple[SecondsSaved, float]:
    """One comparison's build times: what it says, and the spread as a part of the median."""
    measured = builds(top, builder, base, None)
    times = {name: result.times for name, result in measured.items()}
    middle = statistics.median(times[WITH])
    spread = statistics.median(abs(value - middle) for value in times[WITH]) / middle
    return seconds_saved(times[WITH], times[WITHOUT]), spread


def builds(top: Path, builder: str, base: str, repeat: int | None) -> dict[str, Builds]:
    """The builds of one comparison."""
    options = BuildOptions(build_args={"BASE": base})
    subject = prepare(top, dockerfile=None, builder=builder, options=options, progress=Silent())
    measured: dict[str, Builds] = {}
    with Run(subject.engine) as run:
        bench = Bench(subject, run, subject.builder(run), TimeLimit(None), Silent())
        build_variants(bench, measured, repeat=repeat)
    for result in measured.values():
        if result.failure is not None:
            raise SystemExit(str(result.failure))
    return measured


if __name__ == "__main__":
    sys.exit(main())
