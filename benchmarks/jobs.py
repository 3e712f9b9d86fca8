#!/usr/bin/env python3
"""How much faster `ctxsize check` builds 24 targets with --jobs than one after the other.

    python benchmarks/jobs.py [--base IMAGE] [--targets 24] [--jobs 4] [--nodes ADDRESS …]

Whole processes against the engine in use. Each target copies 20 kB into the base image and has a RUN that
waits half a second. With ``--nodes``, addresses of further engines that have the base image, the targets are
also built on a builder of all of them, which is described in a buildx store of its own. Nothing is timed by
ctxsize itself in such a run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rows import row  # noqa: E402

_DOCKERFILE = "FROM {base}\nCOPY . /app\nRUN ls /app > /list && sleep 0.5\n"


def make_targets(root: Path, base: str, count: int) -> list[str]:
    """So many projects, each with content of its own."""
    for number in range(count):
        place = root / f"t{number}"
        place.mkdir()
        (place / "data").write_bytes(random.Random(number).randbytes(20_000))
        (place / "x.log").write_bytes(bytes(3000))
        (place / ".dockerignore").write_text("*.log\n")
        (place / "Dockerfile").write_text(_DOCKERFILE.format(base=base))
    return [f"t{number}" for number in range(count)]


def seconds(root: Path, targets: Sequence[str], more: Sequence[str], environ: Mapping[str, str]) -> float:
    """Wall time of a check of all targets, which must be within budget."""
    command = [sys.executable, "-m", "ctxsize", "check", *targets, "--limit", "image=1 GB", "-q", *more]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        sys.exit(f"check ended with {done.returncode}")
    return time.perf_counter() - start


def store_of(root: Path, nodes: Sequence[str]) -> dict[str, str]:
    """The environment with a buildx store that has the builder ``nodes``."""
    instances = root / "buildx/instances"
    instances.mkdir(parents=True)
    described = [{"Name": f"n{number}", "Endpoint": each} for number, each in enumerate(nodes)]
    (instances / "nodes").write_text(json.dumps({"Name": "nodes", "Driver": "docker", "Nodes": described}))
    return {"BUILDX_CONFIG": str(root / "buildx")}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="ctxsize/base-busybox:local")
    parser.add_argument("--targets", type=int, default=24)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--nodes", nargs="*", default=[])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        targets = make_targets(root, args.base, args.targets)
        alone = seconds(root, targets, (), {})
        cases: list[tuple[str, Sequence[str], Mapping[str, str]]] = [("one builder", (), {})]
        if args.nodes:
            own = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
            cases.append(("all nodes", ("--builder", "nodes"), store_of(root, [own, *args.nodes])))
        for name, more, environ in cases:
            took = seconds(root, targets, ("--jobs", str(args.jobs), *more), environ)
            title = f"check of {args.targets} targets, --jobs {args.jobs}, {name}"
            print(f"{title:52} {took:6.1f} s against {alone:6.1f} s: {took / alone:.2f} x")
            row(title, took / alone, None, detail=f"{took:.1f} s against {alone:.1f} s one after the other")


if __name__ == "__main__":
    main()
