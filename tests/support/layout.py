"""OCI image layouts, written by their specification."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

Pack = Callable[[bytes], bytes]


def layer(**files: int) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, size in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = size
            tar.addfile(entry, io.BytesIO(b"x" * size))
    return data.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


class Layout:
    """Writes an OCI image layout by its specification, blob by blob."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "blobs/sha256").mkdir(parents=True)
        (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (self.root / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def document(self, content: object) -> dict[str, object]:
        return self.blob(json.dumps(content).encode())

    def image(
        self, *layers: bytes, packed: bool = True, pack: Pack | None = None, arch: str | None = None
    ) -> dict[str, object]:
        config = {
            **({} if arch is None else {"os": "linux", "architecture": arch}),
            "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]},
            "history": [{"created_by": f"COPY {number}"} for number in range(len(layers))],
        }
        pack = pack or (gzipped if packed else bytes)
        blobs = [self.blob(pack(each)) for each in layers]
        return self.document({"schemaVersion": 2, "config": self.document(config), "layers": blobs})

    def index(self, *images: dict[str, object], **names: dict[str, object]) -> None:
        named = [
            {**image, "annotations": {"org.opencontainers.image.ref.name": name}}
            for name, image in names.items()
        ]
        (self.root / "index.json").write_text(json.dumps({"manifests": [*images, *named]}))

    def tar(self) -> Path:
        path = self.root.with_suffix(".tar")
        with tarfile.open(path, "w") as tar:
            tar.add(self.root, arcname=".")
        return path
