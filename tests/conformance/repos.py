"""Compare trees shaped like real repositories with two plain builds by the official client (`make repos`).

Each tree is made by a recipe, measured by ``ctxsize compare``, and built by ``docker build`` with its ignore
file and in a copy without one. The files of these images are listed and summed here, by nothing of ctxsize's.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conformance.someone import Someone, arguments, become

IGNORE_FILES = (".dockerignore", "docker/prod.Dockerfile.dockerignore")
COPY_ALL = "FROM scratch\nCOPY . /app\n"


@dataclass(frozen=True)
class Tree:
    """``files`` by path with their sizes. ``volume`` is a directory that nobody but its owner may enter, and
    ``log`` a file that grows while ctxsize measures."""

    files: dict[str, int]
    ignore: dict[str, str]
    dockerfile: str = COPY_ALL
    file: str = "Dockerfile"
    volume: str | None = None
    log: str | None = None
    texts: dict[str, str] = field(default_factory=dict)


TREES = {
    "worktree": Tree(
        {"src/main.py": 4_000, "venv/lib/big.so": 900_000},
        {".dockerignore": ".git\nvenv\n"},
        texts={".git": "gitdir: /somewhere/else/.git/worktrees/x\n"},
    ),
    "unreadable volume": Tree(
        {"src/main.py": 4_000, "pg/base/1": 700_000},
        {".dockerignore": "pg\n"},
        volume="pg",
    ),
    "197 ignored roots": Tree(
        {f"packages/p{n}/{name}": size for n in range(197) for name, size in
         (("index.js", 100), ("node_modules/x/x.js", 1_000 + n))},
        {".dockerignore": "**/node_modules\n"},
    ),
    "own ignore file": Tree(
        {"src/main.py": 4_000, "docs/a.pdf": 300_000, "tests/data": 50_000},
        {".dockerignore": "docs\n", "docker/prod.Dockerfile.dockerignore": "docs\ntests\n"},
        file="docker/prod.Dockerfile",
    ),
    "multi-stage, nothing in the image": Tree(
        {"src/main.py": 4_000, "node_modules/a.js": 800_000, "README.md": 500},
        {".dockerignore": "node_modules\n*.md\n"},
        dockerfile="FROM scratch AS build\nCOPY . /b\nFROM scratch\nCOPY --from=build /b/src /app\n",
    ),
    "growing log": Tree(
        {"src/main.py": 4_000, "run.log": 100_000},
        {".dockerignore": "*.log\n"},
        log="run.log",
    ),
}  # fmt: skip


def make(tree: Tree, top: Path, who: Someone) -> None:
    """Write the tree, as theirs."""
    for name, size in tree.files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    for name, text in {tree.file: tree.dockerfile, **tree.ignore, **tree.texts}.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    who.give(top)
    if tree.volume is not None:
        (top / tree.volume).chmod(0o700)
        os.chown(top / tree.volume, 70, 70)


@contextlib.contextmanager
def growing(path: Path | None) -> Iterator[None]:
    """Have something write to ``path`` all the while."""
    done = threading.Event()

    def write() -> None:
        while path is not None and not done.wait(0.05):
            with path.open("ab") as file:
                file.write(os.urandom(1_000))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def official(words: list[str], who: Someone, builder: str) -> int | None:
    """The bytes of the files in the image that the official client builds; None when it does not build."""
    tag = f"ctxsize-repos:{uuid.uuid4().hex}"
    environment = {"DOCKER_BUILDKIT": "0" if builder == "classic" else "1"}
    built = who.run("build", "--no-cache", "-t", tag, *words, environment=environment, client=True)
    try:
        return None if built.returncode else image_bytes(tag)
    finally:
        _remove_stages(built.stdout)


def _remove_stages(said: str) -> None:
    """The classic builder leaves the images of stages that are not in the target's."""
    for image in reversed(re.findall(r"^ ---> ([0-9a-f]{12})$", said, re.MULTILINE)):
        tags = ["docker", "image", "inspect", "--format", "{{len .RepoTags}}", image]
        if subprocess.run(tags, capture_output=True, text=True).stdout.strip() == "0":
            subprocess.run(["docker", "image", "rm", image], capture_output=True)


def image_bytes(tag: str) -> int:
    """The bytes of the files in an image, which is removed."""
    try:
        saved = subprocess.run(["docker", "save", tag], capture_output=True, check=True).stdout
    finally:
        subprocess.run(["docker", "image", "rm", "--force", tag], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        manifest = json.load(_member(archive, "manifest.json"))
        return sum(_listed(_member(archive, layer).read()) for layer in manifest[0]["Layers"])


def _member(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    assert file is not None
    return file


def _listed(layer: bytes) -> int:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        sizes = (len(os.fsencode(m.linkname)) if m.issym() else m.size if m.isreg() else 0 for m in archive)
        return sum(sizes)


def ours(tree: Tree, top: Path, builder: str, who: Someone) -> dict[str, Any]:
    """What ``ctxsize compare`` says of the tree."""
    words = ["compare", "--format", "json", "-q", "--repeat", "1"]
    words += ["--builder", builder, "-f", str(top / tree.file), str(top)]
    with growing(top / tree.log if tree.log else None):
        done = who.run(*words)
    if not done.stdout:
        return {"error": done.stderr.strip() or f"exit code {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def wrong(tree: Tree, found: dict[str, Any], true: dict[str, int | None]) -> list[str]:
    """What in a comparison is not as the official client's images are."""
    if "error" in found and true["with"] is None:
        return []  # the official client does not build it either
    if "error" in found:
        return [found["error"].splitlines()[-1]]
    sizes = {name: (each["image"] or {}).get("bytes") for name, each in found["variants"].items()}
    said = []
    for name in ("with", "without"):
        if sizes[name] != true[name] and not (tree.log and name == "without"):
            said.append(f"{name}: {sizes[name]} bytes, and the official client's {true[name]}")
    rest, saved = found["unattributed"], found["saved"]["image_bytes"]
    if saved is not None:
        rows = sum(row["image_bytes"] or 0 for row in found["paths"])
        parts = rows + (rest["image_bytes"] or 0) + (rest["derived_bytes"] or 0)
        if parts != saved:
            said.append(f"rows and the rest add up to {parts}, saved are {saved}")
        # An ignore file that does not list itself is in the image with it, and in none without.
        if not -sum(map(len, tree.ignore.values())) <= (rest["image_bytes"] or 0) <= 0:
            said.append(f"{rest['image_bytes']} bytes are not attributed")
    return said


def main() -> int:
    """Measure all trees, or those named; 1 when a total is wrong."""
    given = arguments(__doc__, TREES, "NAME").parse_args()
    who = become(given.user, given.client)
    buildx = not who.run("buildx", "version", client=True).returncode
    bad = 0
    for name in given.names or list(TREES):
        for builder in ("buildkit", "classic"):
            bad += _one(name, builder, who, buildx)
    print(f"{bad} wrong" if bad else "all totals are the official client's")
    return 1 if bad else 0


def _one(name: str, builder: str, who: Someone, buildx: bool) -> bool:
    tree = TREES[name]
    # BuildKit alone knows a Dockerfile's own ignore file: without buildx there is no client to compare with.
    if builder == "buildkit" and not buildx and len(tree.ignore) > 1:
        print(f"{name}, {builder}: skipped, there is no buildx")
        return False
    of_client = builder if buildx else "classic"
    folder = Path(tempfile.mkdtemp(prefix="ctxsize-repos-"))
    folder.chmod(0o755)
    try:
        top, bare = folder / "repo", folder / "bare"
        make(tree, top, who)
        subprocess.run(["cp", "-a", top, bare], check=True)
        for each in IGNORE_FILES if builder == "buildkit" else IGNORE_FILES[:1]:
            (bare / each).unlink(missing_ok=True)
        true = {
            name: official(["-f", str(each / tree.file), str(each)], who, of_client)
            for name, each in (("with", top), ("without", bare))
        }
        began = time.monotonic()
        said = wrong(tree, ours(tree, top, builder, who), true)
        result = "; ".join(said) or "ok"
        print(f"{name}, {builder}: {result} ({time.monotonic() - began:.0f} s; official: {true})", flush=True)
        return bool(said)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    raise SystemExit(main())
