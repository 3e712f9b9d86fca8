"""Random projects whose images have every way of burying a byte, and what an engine says is in them.

    python tests/inspection/generated.py --images 300 [--seed 0]

builds that many, and compares what we say of each with `docker export` of a container: the same paths, kinds
and contents, and shown + wasted bytes = the bytes of the layers, counted apart by Python's tarfile. Needs an
engine and half an hour; the engine's build cache is gone afterwards.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import docker  # noqa: E402

from ctxsize.engine.images import EngineImages, read_images  # noqa: E402
from ctxsize.image.entries import DIRECTORY, FILE, SYMLINK, path_of  # noqa: E402
from ctxsize.image.fates import fates  # noqa: E402
from ctxsize.image.inventory import Inventory  # noqa: E402
from ctxsize.image.types import Image  # noqa: E402
from tests.engine.buildkit.contents import stored_bytes  # noqa: E402

#: What is ours on the engine.
LABEL = "org.ctxsize.generated=1"
#: What an engine puts into every container.
_ENGINES = (
    "/.dockerenv",
    "/dev",
    "/proc",
    "/sys",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/etc/mtab",
)
_NAMES = ["a", "b", "c", "d", "e"]


class CannotBeBuilt(Exception):
    """A COPY met a directory where it has a file, or the other way round."""


def project(folder: Path, seed: int, base: str) -> None:
    """Write a random Dockerfile, which begins with the image ``base``, and its context."""
    chance = random.Random(seed)
    for number in range(2):
        _tree(chance, folder / f"tree{number}", depth=3)
    lines = [f"FROM {base}", f"LABEL {LABEL}", "COPY tree0 /w"]
    for _ in range(chance.randint(3, 7)):
        kind = chance.random()
        if kind < 0.2:
            lines.append(f"COPY tree{chance.randint(0, 1)} /w{_path(chance, least=0)}/")
        elif kind < 0.3:
            lines.append(f"COPY --chown=7:7 tree{chance.randint(0, 1)} /w")
        else:
            commands = (_command(chance) for _ in range(chance.randint(1, 4)))
            lines.append("RUN " + " ; ".join(commands) + " ; true")
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")


def everything(folder: Path, base: str) -> None:
    """Write a project on the image ``base`` whose image has each way of burying a byte once."""
    for name, size in {"a": 10, "b": 20, "dir/x": 40, "dir/y": 80, "other/z": 160, "kept": 320}.items():
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / name).write_bytes(b"." * size)
    (folder / "tree/link").symlink_to("aaaa")
    (folder / "Dockerfile").write_text(
        f"""FROM {base}
COPY tree /w
RUN chown 5:5 /w/a && rm /w/b && rm -rf /w/dir && mkdir /w/dir && echo new > /w/dir/n && ln -sf bbbbb /w/link
RUN rm -rf /w/other && echo file > /w/other && ln /w/a /w/a2 && echo more >> /w/dir/n
RUN rm /w/other /w/a && mkdir -p /w/other/deep && echo x > /w/other/deep/x
"""
    )


def _tree(chance: random.Random, folder: Path, depth: int) -> None:
    folder.mkdir()
    for name in chance.sample(_NAMES, chance.randint(2, 4)):
        kind = chance.random()
        if kind < 0.5 and depth:
            _tree(chance, folder / name, depth - 1)
        elif kind < 0.6:
            (folder / name).symlink_to(chance.choice(_NAMES))
        elif kind < 0.7:
            (folder / name).touch()
        else:
            (folder / name).write_bytes(
                chance.choice([b"same" * 500, chance.randbytes(chance.randint(1, 5000))])
            )


def _path(chance: random.Random, least: int = 1) -> str:
    return "".join(f"/{chance.choice(_NAMES)}" for _ in range(chance.randint(least, 3)))


def _command(chance: random.Random) -> str:
    one, two = f"/w{_path(chance)}", f"/w{_path(chance)}"
    return chance.choice(
        [
            f"rm -rf {one}",
            f"rm -rf {one}/*",
            f"chown -R 5:5 {one}",
            f"chown -h 6:6 {one}",
            f"chmod 700 {one}",
            f"chmod -R g+w {one}",
            f"touch {one}",
            f"mv {one} {two}",
            f"cp -a {one} {two}",
            f"ln {one} {two}",
            f"ln {one} {two} && ln {one} /w/linked",
            f"ln -sf {two} {one}",
            f"rm -rf {one} && ln -s {two} {one}",
            f"rm -rf {one} && mkdir -p {one} && echo new > {one}/{chance.choice(_NAMES)}",
            f"rm -rf {one} && echo file > {one}",
            f"rm -f {one} && mkdir -p {one}/x && echo {chance.random()} > {one}/x/{chance.choice(_NAMES)}",
            f"echo {chance.random()} >> {one}",
            f"mkdir -p {one}",
            f"rm -rf /w && mkdir /w && echo {chance.random()} > /w/{chance.choice(_NAMES)}",
            f"mkfifo {one}",
        ]
    )


def build(
    api: docker.APIClient,
    folder: Path,
    *,
    buildkit: bool,
    arguments: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Build the project plainly; the image's id."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(os.listdir(folder)):
            tar.add(folder / name, name)
    parameters = {
        "version": "2" if buildkit else "1",
        "rm": 1,
        "forcerm": 1,
        "buildargs": json.dumps(dict(arguments)),
    }
    headers = {"Content-Type": "application/x-tar"}
    url = api._url("/build")
    answer = api._post(
        url, data=data.getvalue(), params=parameters, headers=headers, stream=True, timeout=600
    )
    found, said = None, []
    for event in api._stream_helper(answer, decode=True):
        said.append(event)
        if "error" in event:
            raise CannotBeBuilt(event["error"])
        if "ID" in (aux := event.get("aux") or {}) and isinstance(aux, dict):
            found = aux["ID"]
    assert found, said[-3:]
    return str(found)


Content = tuple[str, int, bytes]


def exported(api: docker.APIClient, image: str) -> dict[str, Content]:
    """What is in a container of the image: kind, bytes, and a digest of the content or the link's target."""
    container = api.create_container(image, command=["x"])["Id"]
    try:
        stream = api._get(api._url("/containers/{0}/export", container), stream=True)
        data = io.BytesIO(b"".join(stream.iter_content(1 << 20)))
    finally:
        api.remove_container(container, force=True)
    found: dict[str, Content] = {}
    with tarfile.open(fileobj=data) as tar:
        for member in tar:
            path = "/" + member.name.strip("/")
            if path == "/." or any(path == each or path.startswith(f"{each}/") for each in _ENGINES):
                continue
            if member.isdir():
                found[path] = ("dir", 0, b"")
            elif member.issym():
                found[path] = ("link", len(os.fsencode(member.linkname)), os.fsencode(member.linkname))
            elif member.islnk():
                found[path] = found["/" + member.linkname.strip("/")]
            elif member.isfile():
                content = tar.extractfile(member).read()  # type: ignore[union-attr]
                digest = blake2b(content, digest_size=16).digest() if content else b""
                found[path] = ("file", len(content), digest)
            else:
                found[path] = ("other", 0, b"")
    return found


def shown(inventory: Inventory, image: Image) -> dict[str, Content]:
    """The same, as we say that it is."""
    kinds = {FILE: "file", DIRECTORY: "dir", SYMLINK: "link"}
    found: dict[str, Content] = {}
    for row, buried, *_ in fates(inventory.rows(image)):
        path = path_of(row.path)
        ours = any(path == each or path.startswith(f"{each}/") for each in _ENGINES)
        if buried is None and not ours and path != "/":
            kind = kinds.get(row.type, "other")
            size = row.size if kind in ("file", "link") else 0
            found[path] = (kind, size, row.hash)
    return found


def differences(api: docker.APIClient, image: str, counts: dict[str, int]) -> list[str]:
    """What we say of an image and is not so. ``counts`` is added to: dead bytes by cause."""
    found: list[str] = []
    with read_images(EngineImages(api), [image], Inventory) as inventory:
        read = inventory.images[image]
        ours, theirs = shown(inventory, read), exported(api, image)
        for path in sorted({*ours, *theirs}):
            if ours.get(path) != theirs.get(path):
                found.append(f"{path}: we say {ours.get(path)}, the engine {theirs.get(path)}")
        total = links = 0
        for stored in inventory.stored(read):
            total += stored.bytes
            links += stored.bytes if stored.kind == SYMLINK else 0
            cause = stored.cause or "shown"
            counts[cause] = counts.get(cause, 0) + stored.bytes
        layers, engines = stored_bytes(api, image), total
        if "containerd" not in str(api.info()["DriverStatus"]):  # that store's figure means something else
            engines = int(api.inspect_image(image)["Size"])
        # BuildKit of 20.10 does not count the symlinks that a COPY makes.
        if not total == read.bytes == layers or not total - links <= engines <= total:
            found.append(f"bytes: contents {total}, layers {read.bytes}, tar {layers}, engine {engines}")
    return found


def main() -> int:
    """Build and compare; 1 if anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--base", default="busybox:1.36", help="what scripts/make-base-images says for it")
    asked = parser.parse_args()
    api: Any = docker.from_env(timeout=600).api
    counts: dict[str, int] = {}
    done = wrong = 0
    seed = asked.seed - 1
    while done < asked.images:
        seed += 1
        with tempfile.TemporaryDirectory() as folder:
            project(Path(folder), seed, asked.base)
            try:
                image = build(api, Path(folder), buildkit=seed % 2 == 0)
            except CannotBeBuilt:
                continue
            try:
                found = differences(api, image, counts)
            finally:
                api.remove_image(image, force=True)
            done += 1
            if found:
                wrong += 1
                print(f"seed {seed}:", *found, sep="\n  ")
                print((Path(folder) / "Dockerfile").read_text(), flush=True)
        print(f"\r{done} images, {wrong} differ", end="", file=sys.stderr, flush=True)
    api.prune_builds()
    # What the classic builder keeps of builds that failed.
    api.prune_images(filters={"dangling": True, "label": LABEL})
    print(f"{asked.images} images, {wrong} differ; bytes: {counts}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
