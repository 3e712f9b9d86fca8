"""What `ctxsize image` takes for an image of many files and layers, against `docker save | tar t`.

    python benchmarks/image.py [--files 300000] [--layers 60] [--runs 3] [--image NAME] [--client COMMAND]

Makes an image whose layers store small files, replace some of lower layers and remove others, loads it into
the engine, and takes it away at the end. Whole processes, alternating: `ctxsize image NAME` against
`docker save NAME | tar t`. The bars: 1.3 times its seconds, 150 MB of memory.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import shlex
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rows import row

ROOT = Path(__file__).resolve().parent.parent
TAG = "ctxsize-benchmark-image:latest"
BAR, MEMORY_BAR = 1.3, 150e6


def layer(rng: random.Random, words: list[bytes], number: int, files: int) -> bytes:
    """A layer's tar: a directory of files for every hundred, 2 % of them again those of the layer below, and
    a removal for every thousand."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for index in range(files):
            of = number - 1 if number and index % 50 == 0 else number
            folder = f"srv/part{of:02}/pkg{index // 100:03}"
            if index % 100 == 0:
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            entry = tarfile.TarInfo(f"{folder}/file{index:05}.js")
            if number and index % 1000 == 999:
                entry = tarfile.TarInfo(f"srv/part{number - 1:02}/pkg{index // 100:03}/.wh.file{index:05}.js")
                tar.addfile(entry)
                continue
            content = b" ".join(rng.choices(words, k=rng.randrange(400)))
            entry.size, entry.mtime = len(content), 1_700_000_000 + number
            tar.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def write_archive(out: IO[bytes], files: int, layers: int) -> None:
    """What `docker save` would write of the image."""
    rng = random.Random(1)
    words = [
        bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz_(){};", k=rng.randrange(2, 12))) for _ in range(5000)
    ]
    names, diff_ids, history = [], [], []
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for number in range(layers):
            data = layer(rng, words, number, files // layers)
            digest = hashlib.sha256(data).hexdigest()
            names.append(f"{digest}/layer.tar")
            diff_ids.append(f"sha256:{digest}")
            history.append(
                {"created": "2026-01-01T00:00:00Z", "created_by": f"COPY part{number} /srv # buildkit"}
            )
            _add(tar, names[-1], data)
        config = {"architecture": "amd64", "os": "linux", "config": {}, "history": history,
                  "rootfs": {"type": "layers", "diff_ids": diff_ids}}  # fmt: skip
        data = json.dumps(config).encode()
        name = f"{hashlib.sha256(data).hexdigest()}.json"
        _add(tar, name, data)
        manifest = [{"Config": name, "RepoTags": [TAG], "Layers": names}]
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def load(client: list[str], files: int, layers: int) -> None:
    """Have the engine take the image."""
    with subprocess.Popen([*client, "load", "-q"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        write_archive(process.stdin, files, layers)
        process.stdin.close()
    if process.returncode:
        sys.exit("docker load failed")


def timed(command: list[str] | str) -> tuple[float, float, float]:
    """Seconds of wall and processor time, and the largest resident set in bytes, of a command."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, shell=isinstance(command, str), stdout=subprocess.DEVNULL, cwd=ROOT, start_new_session=True
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def rounds(name: str, client: str, runs: int) -> Iterator[tuple[float, ...]]:
    """Of each run: their seconds, our seconds, our processor seconds, our memory."""
    for _ in range(runs):
        theirs, _, _ = timed(f"{client} save {shlex.quote(name)} | tar t")
        ours, processor, memory = timed([sys.executable, "-m", "ctxsize", "image", name])
        print(f"  docker save | tar t {theirs:.1f} s, ctxsize image {ours:.1f} s", flush=True)
        yield theirs, ours, processor, memory


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=300_000)
    parser.add_argument("--layers", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--image", help="measure this image of the engine instead of making one")
    parser.add_argument("--keep", action="store_true", help="leave the image on the engine")
    parser.add_argument("--client", default="docker", help="the official client (default: %(default)s)")
    arguments = parser.parse_args()
    client = shlex.split(arguments.client)
    if arguments.image is None:
        print(f"loading {arguments.files:,} files in {arguments.layers} layers …", flush=True)
        load(client, arguments.files, arguments.layers)
    try:
        found = list(rounds(arguments.image or TAG, arguments.client, arguments.runs))
    finally:
        if arguments.image is None and not arguments.keep:
            subprocess.run([*client, "image", "rm", "-f", TAG], stdout=subprocess.DEVNULL, check=True)
    theirs, ours, processor, _ = (statistics.median(column) for column in zip(*found, strict=True))
    memory = max(each[3] for each in found)
    ratio = statistics.median(each[1] / each[0] for each in found)
    case = f"{arguments.files:,} files in {arguments.layers} layers"
    detail = f"{ours:.1f} s against {theirs:.1f} s; {processor:.1f} s of processor"
    good = row(case, ratio, BAR, detail=detail)
    good &= row(f"{case}, memory", memory / 1e6, MEMORY_BAR / 1e6, unit="MB")
    print(
        f"docker save | tar t {theirs:.1f} s, ctxsize image {ours:.1f} s ({processor:.1f} s of processor): "
        f"{ratio:.2f} x (bar {BAR} x), {memory / 1e6:.0f} MB (bar {MEMORY_BAR / 1e6:.0f} MB)"
    )
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
