#!/usr/bin/env python3
"""How long an image is read, as a ratio to `docker save | tar t` of the same image.

    python benchmarks/reading.py [--base IMAGE] [--files 20000] [--megabytes 200] [--runs 3]

Listing what `docker save` streams is what a viewer of layers starts with. Ours lists every entry of every
layer, with its size, what hides it and what it takes compressed. Whole processes, alternating.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import row
from scan import run

BASE = "ctxsize/base-busybox:local"
TAG = "ctxsize-benchmark-reading"
OURS = """
import sys
from ctxsize.engine.connect import connect
from ctxsize.engine.images import EngineImages, read_images
from ctxsize.engine.platforms import find_image
from ctxsize.image.reader import ImageReader
engine = connect()
image_id = find_image(engine, sys.argv[1]).id
with read_images(EngineImages(engine.api), [image_id], ImageReader) as reader:
    print(sum(1 for _ in reader.listing(reader.images[image_id])))
"""


def make_context(root: Path, base: str, files: int, size: int) -> None:
    """``files`` files, ``size`` bytes together, half of them random."""
    (root / "Dockerfile").write_text(f"FROM {base}\nCOPY a /a\nCOPY b /b\n")
    each = size // files
    for number in range(files):
        folder = root / "ab"[number % 2] / f"d{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_bytes(os.urandom(each // 2) + b"x" * (each - each // 2))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default=BASE, help="the base image (default: %(default)s)")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as scratch:
        make_context(Path(scratch), asked.base, asked.files, asked.megabytes * 1_000_000)
        build = ["docker", "build", "--quiet", "--tag", TAG, scratch]
        classic = os.environ | {"DOCKER_BUILDKIT": "0"}
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=classic)
    ours, theirs = [], []
    try:
        for _ in range(asked.runs):
            theirs.append(run(["sh", "-c", f"docker save {TAG} | tar t >/dev/null"]).wall)
            ours.append(run([sys.executable, "-c", OURS, TAG]).wall)
    finally:
        subprocess.run(["docker", "image", "rm", TAG], check=False, stdout=subprocess.DEVNULL)
    own, peer = statistics.median(ours), statistics.median(theirs)
    print(f"reading {own:.1f} s, docker save | tar t {peer:.1f} s: {own / peer:.2f} ×")
    case = f"{asked.files:,} files, {asked.megabytes} MB"
    row(case, own / peer, None, detail=f"{own:.1f} s against {peer:.1f} s of docker save | tar t")
    return 0


if __name__ == "__main__":
    sys.exit(main())
