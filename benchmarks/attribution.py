"""How right the seconds per path are: the estimates of one comparison against builds that leave one path in.

    python benchmarks/attribution.py [--base IMAGE] [--builder NAME] [--project NAME] [--repeat N] [--scale X]

Three projects with ignored roots of very different shape are compared on both builders. Each root is
also measured for real, by builds in the same rounds that ignore everything but it. Prints
both figures for each root, their rank correlation, and the largest error of a root that is a tenth or more of
what is saved; the bars are 0.9 and 30 %. Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rows import row as take_down

from ctxsize.comparison.attribution import attribute_images
from ctxsize.comparison.path_seconds import divide_seconds, restored_variants
from ctxsize.engine.builders.interface import PHASES
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.builds import Builds, build_restored
from ctxsize.measure.figures import WITH, WITHOUT, Cost
from ctxsize.measure.images import read_images
from ctxsize.measure.subject import prepare
from ctxsize.measure.timing import seconds_saved
from ctxsize.progress import Progress, Silent, Terminal

BAR_CORRELATION = 0.9
BAR_ERROR = 0.3
#: Roots that are at least this part of what is saved are held against BAR_ERROR.
LARGE = 0.1
BASE = "ctxsize/base-busybox:local"


@dataclass(frozen=True, slots=True)
class Row:
    """One root: seconds as estimated and as measured, and half of the measured one's interval."""

    path: str
    estimated: float
    measured: float
    half: float


def one_file(top: Path, size: float) -> None:
    """One large file of ``size`` MB."""
    top.mkdir(parents=True)
    block = os.urandom(1_000_000)
    with (top / "large").open("wb") as file:
        for index in range(round(size)):
            file.write(index.to_bytes(4, "big") + block[4:])


def files(top: Path, count: float, size: int, per_directory: int = 100, depth: int = 1) -> None:
    """``count`` files of ``size`` bytes, ``per_directory`` in each directory, ``depth`` directories deep."""
    chance = random.Random(3)
    for index in range(round(count)):
        number = index // per_directory
        folder = top.joinpath(*(f"d{number}-{level}" for level in range(depth)))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{index}").write_bytes(chance.randbytes(size))


def everything(top: Path, scale: float) -> None:
    """`COPY . .` of all shapes."""
    one_file(top / "video", 150 * scale)
    files(top / "cache", 8000 * scale, 60)
    files(top / "node_modules", 4000 * scale, 12_000)
    files(top / "deep", 1500 * scale, 900, per_directory=5, depth=8)
    files(top / "models", 6, round(8_000_000 * scale))
    files(top / "src", 40, 3000)
    write(
        top,
        "COPY . /app",
        ("video", "cache", "node_modules", "deep", "models"),
    )


def parts(top: Path, scale: float) -> None:
    """Several COPY steps, each of a part; one ignored root that no step takes."""
    files(top / "app" / "src", 60, 3000)
    files(top / "app" / "build", 5000 * scale, 2500)
    one_file(top / "app" / "dump", 200 * scale)
    files(top / "public" / "img", 300 * scale, 150_000)
    files(top / "public" / "maps", 2500 * scale, 300, per_directory=10)
    files(top / "public" / "css", 20, 4000)
    files(top / "log", 800 * scale, 30_000)
    files(top / "lib" / "old", 1200 * scale, 9000, per_directory=20)
    files(top / "lib" / "new", 30, 4000)
    write(
        top,
        "COPY app /srv/app\nCOPY public /srv/public\nRUN ls -R /srv/public >/list\nCOPY lib /srv/lib",
        ("app/build", "app/dump", "public/img", "public/maps", "log", "lib/old"),
    )


def stages(top: Path, scale: float) -> None:
    """A build stage that takes everything, and an image that takes little of it."""
    files(top / "src", 40, 3000)
    files(top / "vendor", 3000 * scale, 20_000)
    files(top / "tmp", 6000 * scale, 10)
    one_file(top / "data", 250 * scale)
    files(top / "docs", 900 * scale, 40_000, per_directory=15, depth=3)
    files(top / "tests", 700 * scale, 5000)
    write(
        top,
        "AS build\nWORKDIR /src\nCOPY . .\nRUN ls src >list\nFROM build AS image\nRUN rm -f list",
        ("vendor", "tmp", "data", "docs", "tests"),
    )


PROJECTS: dict[str, Callable[[Path, float], None]] = {
    "everything": everything,
    "parts": parts,
    "stages": stages,
}


def write(top: Path, steps: str, ignored: Iterable[str]) -> None:
    """The Dockerfile and the ignore file."""
    joint = " " if steps.startswith("AS ") else "\n"
    (top / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}{joint}{steps}\n")
    (top / ".dockerignore").write_text(
        "".join(f"{path}\n" for path in ignored) + ".dockerignore\nDockerfile\n"
    )


def measure(
    top: Path, builder: str, base: str, repeat: int, progress: Progress, *, phases: bool
) -> tuple[list[Row], float]:
    """Each large root as estimated and as measured, and what is saved in all (seconds)."""
    subject = prepare(
        top,
        dockerfile=None,
        builder=builder,
        options=BuildOptions(build_args={"BASE": base}),
        progress=progress,
    )
    roots = [root.path for root in subject.found.roots if root.totals.files > 1 or root.totals.bytes > 1e6]
    variants, _ = restored_variants(subject, roots)
    with Run(subject.engine) as run:
        run.images.remove = lambda image_id: None  # type: ignore[method-assign]  # they are read below
        bench = Bench(subject, run, subject.builder(run), TimeLimit(None), progress)
        # All in the same rounds, so that a drift of the machine's speed is no error of the estimates.
        measured = build_restored(bench, {**variants, WITHOUT: subject.variant(WITHOUT)}, runs=repeat)
        failures = [str(result.failure) for result in measured.values() if result.failure is not None]
        if failures:
            raise SystemExit("; ".join(failures))
        ends = {name: measured[name] for name in (WITH, WITHOUT)}
        with read_images(bench, ends) as images:
            savings = attribute_images(subject, images, ends)
        divided, warnings = divide_seconds(bench, ends, savings, exact=0)
    if divided is None:
        raise SystemExit("; ".join(warning.message for warning in warnings))
    if phases:
        show_phases(measured, divided.costs)
    times = {name: result.times for name, result in measured.items()}
    rows = []
    for root in roots:
        estimated = divided.roots[root].median if root in divided.roots else 0.0
        real = seconds_saved(times[WITH], times[root])
        rows.append(Row(root, estimated, real.median, ((real.high or 0.0) - (real.low or 0.0)) / 2))
    return sorted(rows, key=lambda row: -row.measured), seconds_saved(times[WITH], times[WITHOUT]).median


def show_phases(measured: Mapping[str, Builds], costs: Mapping[str, Cost]) -> None:
    """What each build took longer than one that ignores everything, by phase; and the costs calibrated."""
    for phase, cost in costs.items():
        print(f"    {phase:8} {cost.per_byte * 1e9:6.2f} s/GB {cost.per_entry * 1e3:7.3f} ms/entry")
    base = {phase: median_of(measured[WITH], phase) for phase in PHASES}
    for name, result in measured.items():
        longer = (f"{phase} {median_of(result, phase) - base[phase]:.2f}" for phase in PHASES)
        runs = " ".join(f"{run.seconds:.2f}" for run in result.runs)
        print(f"    {name[:14]:14} {', '.join(longer)}; runs {runs}")


def median_of(measured: Builds, phase: str) -> float:
    """The median seconds of a phase."""
    return statistics.median(run.phases[phase] for run in measured.runs)


def rank_correlation(rows: list[Row]) -> float:
    """Spearman's, of the estimated and the measured seconds."""
    ranks = []
    for figures in ([row.estimated for row in rows], [row.measured for row in rows]):
        order = sorted(figures)
        ranks.append([float(order.index(figure)) for figure in figures])
    return statistics.correlation(*ranks)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base", default=BASE, help="the base image (default: %(default)s)")
    parser.add_argument("--builder", action="append", choices=["buildkit", "buildkit-upload", "classic"])
    parser.add_argument("--project", action="append", choices=list(PROJECTS))
    parser.add_argument("--repeat", type=int, default=3, help="builds of each variant and root")
    parser.add_argument("--scale", type=float, default=1.0, help="of the ignored parts")
    parser.add_argument("--phases", action="store_true", help="show what each build took in each phase")
    arguments = parser.parse_args()
    progress: Progress = Terminal() if sys.stderr.isatty() else Silent()
    missed = False
    for name in arguments.project or PROJECTS:
        with tempfile.TemporaryDirectory(prefix="ctxsize-benchmark-") as directory:
            top = Path(directory) / name
            top.mkdir()
            PROJECTS[name](top, arguments.scale)
            for builder in arguments.builder or ("buildkit", "classic"):
                rows, total = measure(
                    top, builder, arguments.base, arguments.repeat, progress, phases=arguments.phases
                )
                missed |= report(name, builder, rows, total)
    return 1 if missed else 0


def report(name: str, builder: str, rows: list[Row], total: float) -> bool:
    """Print one experiment; whether it missed a bar."""
    print(f"{name}, {builder}: {total:.2f} s saved, {sum(row.measured for row in rows):.2f} s root by root")
    errors = []
    for row in rows:
        error = row.estimated / row.measured - 1 if row.measured > 0 else float("nan")
        large = row.measured >= LARGE * total
        if large:
            errors.append(abs(error))
        print(
            f"  {row.path:14} estimated {row.estimated:7.2f} s"
            f"   measured {row.measured:7.2f} ± {row.half:.2f} s   {error:+.0%}"
            f"{'' if large else '   (less than a tenth)'}"
        )
    correlation, worst = round(rank_correlation(rows), 6), max(errors, default=0.0)
    print(
        f"  rank correlation {correlation:.2f} (bar {BAR_CORRELATION}),"
        f" worst error {worst:.0%} (bar {BAR_ERROR:.0%})"
    )
    sys.stdout.flush()
    case = f"{name}, {builder}"
    detail = f"{total:.1f} s saved"
    met = take_down(
        f"{case}: rank correlation", correlation, BAR_CORRELATION, unit="", least=True, detail=detail
    )
    return (
        not take_down(f"{case}: worst error", 100 * worst, 100 * BAR_ERROR, unit="%", detail=detail)
        or not met
    )


if __name__ == "__main__":
    sys.exit(main())
