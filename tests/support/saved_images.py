"""Saved images made without an engine: what `docker save` writes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

#: A file's content; or its content and its owner.
Content = bytes | tuple[bytes, int]


def layer(entries: Mapping[str, Content], links: Mapping[str, str] | None = None) -> bytes:
    """A layer's tar of files by name; ``links`` are hard links to earlier ones."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                content, entry.uid = content
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.LNKTYPE, target
            tar.addfile(entry)
    return data.getvalue()


def save(path: Path, layers: Sequence[bytes], steps: Sequence[str], arch: str = "amd64") -> Path:
    """Write an image with these layers, one for each of ``steps``."""
    with tarfile.open(path, "w") as tar:
        names = []
        for data in layers:
            names.append(hashlib.sha256(data).hexdigest())
            _add(tar, f"{names[-1]}/layer.tar", data)
        config = json.dumps(
            {
                "os": "linux",
                "architecture": arch,
                "rootfs": {"diff_ids": [f"sha256:{name}" for name in names]},
                "history": [{"created_by": step} for step in steps],
            }
        ).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        _add(tar, name, config)
        listed = [{"Config": name, "RepoTags": ["a:b"], "Layers": [f"{each}/layer.tar" for each in names]}]
        _add(tar, "manifest.json", json.dumps(listed).encode())
    return path


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
