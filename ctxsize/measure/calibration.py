"""What an entry costs in each phase of a build, on this engine, now.

`FROM scratch` and `COPY . /` is built twice on the builder that measures: with next to nothing, and with many
files of one byte. What a byte costs needs no build: the measured difference tells it, once it is known what
its entries cost (``ctxsize.comparison.seconds.phase_costs``).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from ctxsize.engine.builders.interface import PHASES
from ctxsize.engine.footprint.leftovers import PROBE_PREFIX
from ctxsize.engine.options import BuildOptions
from ctxsize.files.own import temporary_directory
from ctxsize.measure.bench import Bench
from ctxsize.measure.figures import WITHOUT
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent

_DOCKERFILE = "FROM scratch\nCOPY . /\n"
_FILES_PER_DIRECTORY = 100
#: Bounds of a probe's files. Above the lower one, it takes no longer than the measured difference divided by
#: _ENTRIES_PER_FILE.
_LEAST_FILES, _MOST_FILES = 400, 3000
_ENTRIES_PER_FILE = 10


def probe_files(seconds: float, entries: int) -> int:
    """How many files the probe sends, where one variant takes ``seconds`` longer and has ``entries`` more: it
    costs a fraction of the measurement, on a builder that takes long for each file as well."""
    return int(max(min(400 * seconds, entries / _ENTRIES_PER_FILE, _MOST_FILES), _LEAST_FILES))


def calibrate(bench: Bench, files: int) -> dict[str, float]:
    """Seconds per entry by phase (see ctxsize.engine.builders.interface.PHASES), from a probe with ``files``
    files. Raises what a build raises."""
    subject, run, progress = bench.subject, bench.run, bench.progress
    results = []
    directory = tempfile.mkdtemp(prefix=PROBE_PREFIX, dir=temporary_directory())
    # Deleting thousands of files takes a while, and the report does not wait for it.
    run.at_end(lambda progress: _deleted(directory))
    run.journal.add("directory", directory)
    probes = {"nothing": 0, "small_files": files}
    try:
        for number, (name, count) in enumerate(probes.items(), 1):
            progress.phase(f"calibrate, build {number} of {len(probes)}")
            root = Path(directory) / name
            root.mkdir()
            (root / "Dockerfile").write_text(_DOCKERFILE)
            entries = _fill(root, count)
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
            results.append(result)
    except OSError:
        _deleted(directory)  # where there is no room, the report needs it
        raise
    nothing, small = (result.phases for result in results)
    return {phase: max(small[phase] - nothing[phase], 0.0) / entries for phase in PHASES}


def _fill(root: Path, files: int) -> int:
    """Make the files of a probe: how many entries they are, with their directories."""
    # The content of an empty file is never asked for, so each has a byte.
    directories = 0
    for number in range(files):
        if number % _FILES_PER_DIRECTORY == 0:
            directory = f"{root}/d{directories}"
            os.mkdir(directory)
            directories += 1
        file = os.open(f"{directory}/f{number}", os.O_WRONLY | os.O_CREAT)
        os.write(file, b"x")
        os.close(file)
    return files + directories


def _deleted(directory: str) -> bool:
    """Delete a directory of probes; True, as all that can be done about it is done."""
    shutil.rmtree(directory, ignore_errors=True)
    return True
