"""Images made of tars in memory, as a source hands them to an Inventory."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ctxsize.image.inventory import Inventory
from ctxsize.image.streams import Body
from ctxsize.image.types import HistoryEntry, Image


@dataclass(frozen=True, slots=True)
class Put:
    """An entry of a layer. ``to`` is what a symlink (``kind`` l) or hard link (h) names."""

    path: str
    content: bytes = b""
    kind: str = "f"
    to: str = ""
    uid: int = 0
    mode: int = 0o644
    mtime: int = 0


def directory(path: str, **more: int) -> Put:
    return Put(path, kind="d", **more)  # type: ignore[arg-type]


def link(path: str, to: str) -> Put:
    return Put(path, kind="l", to=to)


def hard(path: str, to: str) -> Put:
    return Put(path, kind="h", to=to)


_TYPES = {
    "f": tarfile.REGTYPE,
    "d": tarfile.DIRTYPE,
    "l": tarfile.SYMTYPE,
    "h": tarfile.LNKTYPE,
    "p": tarfile.FIFOTYPE,
}


def tar(puts: Iterable[Put]) -> bytes:
    """A layer's tar."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as file:
        for put in puts:
            entry = tarfile.TarInfo(put.path)
            entry.type, entry.linkname = _TYPES[put.kind], put.to
            entry.size = len(put.content)
            entry.uid, entry.mode, entry.mtime = put.uid, put.mode, put.mtime
            file.addfile(entry, io.BytesIO(put.content))
    return data.getvalue()


def image(inventory: Inventory, *layers: Iterable[Put], texts: Iterable[str] = ()) -> Image:
    """An image of these layers, lowest first; ``texts`` are what made them."""
    read = []
    for number, puts in enumerate(layers):
        layer = inventory.add_layer(Body(iter([tar(puts)])), pull_bytes=1000 * (number + 1))
        read.append(replace(layer, diff_id=f"sha256:{number}"))
    named = [*texts, *(f"COPY {number} /" for number in range(len(read)))][: len(read)]
    history = tuple(HistoryEntry(text, layer) for text, layer in zip(named, read, strict=True))
    return Image("sha256:image", tuple(read), history)
