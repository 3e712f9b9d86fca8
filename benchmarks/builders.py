"""Wall time and memory of builds on builders of buildx against ``docker buildx build`` on the same ones.

    python benchmarks/builders.py --directory DIR --image IMAGE [--names NAME,…] [--rounds N] [--scale X]
        [--only NAME]

``DIR`` is an engine of scripts/modern-engine with the containerd store, which has the official client, too;
its BuildKit is put behind a socket, a port, TLS, a container (of IMAGE, which has Python, on the engine in
use) and kubectl. The contexts are those of session.py, and so is the way they are measured: new names, no
cache, whole processes that alternate. Neither side keeps the image. Once more, untimed, ours reads the image
as the builder exports it. The bars are 1.15, and 120 MB for both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import docker
from rows import row
from session import BAR_MEMORY, BAR_RATIO, CONTEXTS, ROOT, timed

sys.path.insert(0, str(ROOT))

from ctxsize.engine.buildkit import Control
from ctxsize.engine.buildkit.engine import upgrading
from tests.support.builders import NAMES, make_builders

OURS = """
import resource, sys
from ctxsize.engine.buildkit import Control, LocalDir, SolveRequest, build
from ctxsize.engine.endpoints.reach import reach
from ctxsize.engine.endpoints.wanted import wanted
from ctxsize.image.archive import read_exported
from ctxsize.image.reader import ImageReader
from ctxsize.image.streams import Body
from tests.engine.buildkit.docker_patterns import DockerPatterns

def read(pieces):
    body = Body(pieces)
    with ImageReader() as reader:
        read_exported(reader, body, "x", {})
        body.drain()

instance = wanted(sys.argv[1]).instance
control = Control(reach(instance, instance.nodes[0]).dial)
directory = LocalDir(".", DockerPatterns)
exporter, take = ("oci", read) if sys.argv[2:] else ("", None)
request = SolveRequest(no_cache=True, exporter=exporter)
build(control, request, context=directory, dockerfile=directory, take=take)
control.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


class Cache:
    """The cache of the builders' BuildKit, to be put back as it was."""

    def __init__(self, socket: str) -> None:
        self._api = docker.APIClient(f"unix://{socket}", timeout=600)
        self._before = self._ids()

    def _ids(self) -> set[str]:
        with closing(Control(upgrading(self._api))) as control:
            return {record.id for record in control.disk_usage()}

    def reset(self) -> None:
        """Remove what appeared since the benchmark began."""
        with closing(Control(upgrading(self._api))) as control:
            while new := self._ids() - self._before:
                if not control.prune(new):
                    break


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directory", required=True, type=Path)
    parser.add_argument("--image", required=True)
    parser.add_argument("--names", default=",".join(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default="", help="part of the name of the contexts to measure")
    options = parser.parse_args()
    # A container's name is this process's own.
    names = [next(each for each in NAMES if each.startswith(name)) for name in options.names.split(",")]
    failed = False
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(docker.from_env(timeout=600)) as engine,
        make_builders(Path(folder), engine, options.image, options.directory.resolve(), names) as builders,
    ):
        cache = Cache(builders.socket)
        for what, make in CONTEXTS.items():
            if options.only not in what:
                continue
            with tempfile.TemporaryDirectory() as top:
                context = Path(top, "context")
                context.mkdir()
                (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
                make(context, options.scale)
                for name in names:
                    ours = [sys.executable, "-c", OURS, name]
                    official = [*builders.client, "buildx", "build", "--builder", name]
                    official += ["--no-cache", "--progress=quiet", "."]
                    seconds: dict[str, list[float]] = {"official": [], "ours": []}
                    memory = 0
                    for number in range(options.rounds):
                        order = ("official", "ours") if number % 2 == 0 else ("ours", "official")
                        for which in order:
                            context = context.rename(Path(top, uuid.uuid4().hex[:12]))
                            command = official if which == "official" else ours
                            took, said = timed(command, context, builders.environment)
                            seconds[which].append(took)
                            if which == "ours":
                                memory = max(memory, int(said.split()[0]))
                            cache.reset()
                    _, said = timed([*ours, "read"], context, builders.environment)
                    cache.reset()
                    failed |= not _show(f"{what}, {name.partition('-')[0]}", seconds, memory, int(said))
    sys.exit(failed)


def _show(name: str, seconds: dict[str, list[float]], memory: int, reading: int) -> bool:
    """Print what was measured. Whether it is within the bars."""
    medians = {which: statistics.median(values) for which, values in seconds.items()}
    ratio = medians["ours"] / medians["official"]
    detail = f"{medians['ours']:.1f} s against {medians['official']:.1f} s of docker buildx build"
    good = row(name, ratio, BAR_RATIO, detail=detail)
    good &= row(f"{name}, memory", memory / 1e6, BAR_MEMORY / 1e6, unit="MB")
    good &= row(f"{name}, memory with the image read", reading / 1e6, BAR_MEMORY / 1e6, unit="MB")
    spread = "; ".join(f"{which} {' '.join(f'{s:.1f}' for s in each)}" for which, each in seconds.items())
    print(
        f"{name}: {ratio:.2f}x, peak {memory / 1e6:.0f} MB, reading {reading / 1e6:.0f} MB   [{spread}]",
        flush=True,
    )
    return good


if __name__ == "__main__":
    main()
