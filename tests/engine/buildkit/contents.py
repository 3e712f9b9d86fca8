"""What an image holds: its files, flattened over the layers, as comparable values."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import tarfile
import tempfile
from typing import IO

import docker

from ctxsize.engine.buildkit import SolveResult


def sent_content(result: SolveResult) -> int:
    """Bytes of file content of the context that crossed to the engine."""
    return sum(transfer.content_bytes for transfer in result.context)


def image_files(api: docker.APIClient, image: str) -> dict[str, list[object]]:
    """Path → [type, octal mode, uid, gid, size, content hash or link target, xattrs]."""
    with tempfile.TemporaryFile() as saved:
        for chunk in api.get_image(image):
            saved.write(chunk)
        saved.seek(0)
        return archive_files(saved)


def archive_files(saved: IO[bytes]) -> dict[str, list[object]]:
    """As ``image_files``, of the archive of an image."""
    with tarfile.open(fileobj=saved) as outer:
        manifest = outer.extractfile("manifest.json")
        assert manifest is not None
        layers = json.load(manifest)[0]["Layers"]
        files: dict[str, list[object]] = {}
        for name in layers:
            layer = outer.extractfile(name)
            assert layer is not None
            _apply(files, io.BytesIO(layer.read()))
    return dict(sorted(files.items()))


def stored_bytes(api: docker.APIClient, image: str) -> int:
    """The bytes of all its layers: of files, and of the targets of symlinks. The engine's own figure is that
    in some stores only."""
    total = 0
    with tempfile.TemporaryFile() as file:
        file.writelines(api.get_image(image))
        file.seek(0)
        with tarfile.open(fileobj=file) as saved:
            (record,) = json.load(saved.extractfile("manifest.json"))  # type: ignore[arg-type]
            for name in record["Layers"]:
                with tarfile.open(fileobj=saved.extractfile(name)) as layer:
                    for entry in layer:
                        if entry.isreg() and not os.path.basename(entry.name).startswith(".wh."):
                            total += entry.size
                        elif entry.issym():
                            total += len(os.fsencode(entry.linkname))
    return total


@functools.cache
def _base_files(api: docker.APIClient, base: str) -> dict[str, list[object]]:
    return image_files(api, base)


def image_changes(api: docker.APIClient, image: str, base: str) -> dict[str, list[object]]:
    """The files of ``image`` that ``base`` does not have just so."""
    known = _base_files(api, base)
    return {path: what for path, what in image_files(api, image).items() if known.get(path) != what}


def _apply(files: dict[str, list[object]], layer: io.BytesIO) -> None:
    with tarfile.open(fileobj=layer, encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            folder, name = os.path.split(member.name)
            if name.startswith(".wh."):
                hidden = os.path.join(folder, name.removeprefix(".wh."))
                for path in [p for p in files if p == hidden or p.startswith(hidden + "/")]:
                    del files[path]
                continue
            content = member.linkname
            if member.isreg():
                data = tar.extractfile(member)
                assert data is not None
                content = hashlib.sha256(data.read()).hexdigest()[:16]
            xattrs = {
                key.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape").hex()
                for key, value in sorted(member.pax_headers.items())
                if key.startswith("SCHILY.xattr.")
            }
            kind = member.type.decode().replace("\0", "0")
            files[member.name.rstrip("/")] = [
                kind, f"{member.mode:o}", member.uid, member.gid, member.size, content, xattrs
            ]  # fmt: skip
