"""Wall time and memory of a session build against the official ``docker build``, alternating, same engine.

    python benchmarks/session.py --client COMMAND --host HOST [--here HOST] [--rounds N] [--scale X]
        [--only NAME] [--fallback]

``COMMAND`` runs the official client (buildx 0.29 or later) so that it sees this machine's files when called
in the directory of the context; ``HOST`` is the engine as it reaches it, ``--here`` as we do, when that
differs. Three contexts: 1 GB in one file, 30,000 files of 300 MB, 50,000 tiny files (``--scale`` shrinks
them). Every build has a context directory of a new name and no cache, so that all of it is sent, and runs
as a process of its own; the start of the interpreter counts. What each build leaves in the engine's cache
is removed before the next one. ``--fallback`` has us build by ``/session`` and ``/build``. Prints the ratio
of the medians, and the peak memory of our process; the bars are 1.15 and 120 MB.
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
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import docker
from rows import row

ROOT = Path(__file__).resolve().parent.parent
TAG = "ctxsize-benchmark-session"
BAR_RATIO = 1.15
BAR_MEMORY = 120_000_000

OURS = """
import resource, sys
import docker
from ctxsize.engine.buildkit import LocalDir, SolveRequest, build, connect
from ctxsize.engine.buildkit.fallback import Fallback
from tests.engine.buildkit.docker_patterns import DockerPatterns
directory = LocalDir(".", DockerPatterns)
api = docker.APIClient(base_url=sys.argv[1])
control = Fallback(api) if sys.argv[3:] else connect(api)
request = SolveRequest(no_cache=True, tags=[sys.argv[2]])
result = build(control, request, context=directory, dockerfile=directory)
control.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, result.sent_files)
"""


def one_file(top: Path, scale: float) -> None:
    block = os.urandom(1_000_000)
    with open(top / "big", "wb") as file:
        for index in range(round(1000 * scale)):
            file.write(index.to_bytes(4, "big") + block[4:])


def many_files(top: Path, scale: float) -> None:
    _files(top, round(30_000 * scale), lambda index: (b"%08d\n" % index) * 1111)


def tiny_files(top: Path, scale: float) -> None:
    _files(top, round(50_000 * scale), lambda index: b"%d\n" % index)


def _files(top: Path, count: int, content: Callable[[int], bytes]) -> None:
    for index in range(count):
        folder = top / f"d{index // 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{index}").write_bytes(content(index))


CONTEXTS = {
    "1 GB in one file": one_file,
    "30,000 files of 300 MB": many_files,
    "50,000 tiny files": tiny_files,
}


class Engine:
    """Where the builds run; remembers its cache to put it back."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.api = docker.APIClient(base_url=host, timeout=600)
        self._before = self._cache()

    def _cache(self) -> set[str]:
        found = self.api._result(self.api._get(self.api._url("/system/df")), json=True)["BuildCache"] or []
        return {record["ID"] for record in found}

    def reset(self) -> None:
        """Remove the benchmark's image and what appeared in the cache since the benchmark began."""
        self.api.remove_image(TAG, force=True)
        if new := self._cache() - self._before:
            filters = json.dumps({"id": [f'"^({"|".join(new)})$"']})
            url = self.api._url("/build/prune")
            self.api._result(self.api._post(url, params={"all": "1", "filters": filters}), json=True)


def timed(command: list[str], context: Path, more: Mapping[str, str] | None = None) -> tuple[float, str]:
    """(wall seconds, stdout) of a build, with ``more`` in its environment; exits when it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), **(more or {})}
    os.sync()
    started = time.perf_counter()
    done = subprocess.run(command, cwd=context, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stderr)
    return seconds, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--client", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--here")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--fallback", action="store_true")
    parser.add_argument("--only", default="", help="part of the name of the contexts to measure")
    options = parser.parse_args()
    engine = Engine(options.here or options.host)
    official = [
        *shlex.split(options.client),
        "-H",
        options.host,
        "build",
        "--no-cache",
        "--quiet",
        "-t",
        TAG,
        ".",
    ]
    ours = [sys.executable, "-c", OURS, engine.host, TAG, *(["fallback"] if options.fallback else [])]
    failed = False
    for name, make in CONTEXTS.items():
        if options.only not in name:
            continue
        seconds: dict[str, list[float]] = {"official": [], "ours": []}
        memory = 0
        with tempfile.TemporaryDirectory() as folder:
            context = Path(folder, "context")
            context.mkdir()
            (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
            make(context, options.scale)
            for round_ in range(options.rounds):
                order = ("official", "ours") if round_ % 2 == 0 else ("ours", "official")
                for which in order:
                    context = context.rename(Path(folder, uuid.uuid4().hex[:12]))
                    took, said = timed(official if which == "official" else ours, context)
                    seconds[which].append(took)
                    if which == "ours":
                        memory = max(memory, int(said.split()[0]))
                    engine.reset()
        medians = {which: statistics.median(values) for which, values in seconds.items()}
        ratio = medians["ours"] / medians["official"]
        detail = f"{medians['ours']:.1f} s against {medians['official']:.1f} s of docker build"
        failed |= not row(name, ratio, BAR_RATIO, detail=detail)
        failed |= not row(f"{name}, memory", memory / 1e6, BAR_MEMORY / 1e6, unit="MB")
        spread = "; ".join(f"{w} {' '.join(f'{s:.1f}' for s in v)}" for w, v in seconds.items())
        print(f"{name}: {ratio:.2f}x ({medians['ours']:.1f} s / {medians['official']:.1f} s), "
              f"peak {memory / 1e6:.0f} MB   [{spread}]", flush=True)  # fmt: skip
    sys.exit(failed)


if __name__ == "__main__":
    main()
