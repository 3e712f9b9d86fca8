"""What a byte and what a file cost in each phase of a build, on this engine, now.

`FROM scratch` and `COPY . /` is built three times on the builder that measures: with next to nothing, with
one large file, and with many small ones. The costs are the differences between these builds.
"""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ctxsize.engine.builders.interface import PHASES, BuildResult
from ctxsize.engine.footprint.leftovers import PROBE_PREFIX
from ctxsize.engine.options import BuildOptions
from ctxsize.files.own import temporary_directory
from ctxsize.measure.bench import Bench
from ctxsize.measure.figures import WITHOUT, Cost
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent

_DOCKERFILE = "FROM scratch\nCOPY . /\n"
_FILES_PER_DIRECTORY = 100
_SMALL_FILE = 200
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ProbeSize:
    """How much the probe builds send: one file of ``bytes``, and ``files`` small ones."""

    bytes: int
    files: int

    @classmethod
    def for_difference(cls, seconds: float) -> ProbeSize:
        """A probe that costs a fraction of a measurement in which one variant takes that much longer."""
        return cls(
            bytes=int(min(max(16e6 * seconds, 8e6), 64e6)), files=int(min(max(400 * seconds, 400), 3000))
        )


def calibrate(bench: Bench, size: ProbeSize) -> dict[str, Cost]:
    """The costs by phase (see ctxsize.engine.builders.interface.PHASES). Raises what a build raises."""
    subject, run, progress = bench.subject, bench.run, bench.progress
    results = []
    with tempfile.TemporaryDirectory(
        prefix=PROBE_PREFIX, dir=temporary_directory(), ignore_cleanup_errors=True
    ) as directory:
        run.journal.add("directory", directory)
        fills = (_nothing, _large_file, _small_files)
        for number, fill in enumerate(fills, 1):
            progress.phase(f"calibrate, build {number} of {len(fills)}")
            root = Path(directory) / fill.__name__.lstrip("_")
            root.mkdir()
            (root / "Dockerfile").write_text(_DOCKERFILE)
            entries = fill(root, size)
            probe = prepare(
                root,
                dockerfile=None,
                builder=subject.choice.name,
                options=BuildOptions(platform=subject.options.platform),
                progress=Silent(),  # this phase stays the one that is shown
                engine=subject.engine,
            )
            result = probe.builder(run).build(probe.variant(WITHOUT), progress=progress)
            run.images.remove(result.image_id)
            results.append((entries, result))
    (_, nothing), (_, large), (entries, small) = results
    return _costs(nothing, large, small, size.bytes, entries)


def _costs(
    nothing: BuildResult, large: BuildResult, small: BuildResult, size: int, entries: int
) -> dict[str, Cost]:
    costs = {}
    for phase in PHASES:
        per_byte = max(large.phases[phase] - nothing.phases[phase], 0.0) / size
        of_entries = small.phases[phase] - nothing.phases[phase] - per_byte * entries * _SMALL_FILE
        costs[phase] = Cost(per_byte, max(of_entries, 0.0) / entries)
    return costs


def _nothing(root: Path, size: ProbeSize) -> int:
    return 0


def _large_file(root: Path, size: ProbeSize) -> int:
    # Not compressible, as most of what is large is not; the block is too long for gzip to see it repeat.
    block = random.Random(1).randbytes(_BLOCK)
    with (root / "large").open("wb") as file:
        for start in range(0, size.bytes, _BLOCK):
            file.write(block[: size.bytes - start])
    return 1


def _small_files(root: Path, size: ProbeSize) -> int:
    content = random.Random(2).randbytes(_SMALL_FILE)
    directories = 0
    for number in range(size.files):
        directory = root / f"d{number // _FILES_PER_DIRECTORY}"
        if number % _FILES_PER_DIRECTORY == 0:
            directory.mkdir()
            directories += 1
        (directory / f"f{number}").write_bytes(content)
    return size.files + directories
