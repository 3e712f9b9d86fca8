"""What a layer has at a path, as a value."""

from __future__ import annotations

import os
from typing import NamedTuple

#: What an entry is. A hard link (another name of a file, a symlink, or something else) has its content under
#: the first name of it in the same layer.
FILE, DIRECTORY, SYMLINK, HARDLINK, OTHER, SYMLINK_NAME, OTHER_NAME = range(7)
_TYPES = {HARDLINK: FILE, SYMLINK_NAME: SYMLINK, OTHER_NAME: OTHER}
#: What a row stands for: an entry, the removal of what lower layers have at its path, or of what they have in
#: that directory (https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts).
ENTRY, WHITEOUT, OPAQUE = range(3)


class Row(NamedTuple):
    """An entry, or a mark (``mark``: WHITEOUT, OPAQUE), of one layer of an image.

    ``path`` is a tree key (see ``key_of``). ``position`` is the place of the layer in the image, from 0,
    and ``layer`` its key. ``size`` is that of its content: a file's bytes, a symlink's target's length, for
    a hard link what its first name has. ``link`` is the key of a hard link's first name. ``hash`` is a digest
    of a file's content (nothing of an empty one), or what a symlink names. ``shared``: it has several names
    in the layer. ``start`` and ``stop`` as in TarEntry.
    """

    path: bytes
    position: int
    layer: int
    mark: int
    kind: int
    size: int
    link: bytes | None
    hash: bytes
    meta: bytes
    start: int
    stop: int
    shared: int

    @property
    def type(self) -> int:
        """FILE, DIRECTORY, SYMLINK or OTHER, by whatever name."""
        return _TYPES.get(self.kind, self.kind)

    @property
    def stored(self) -> int:
        """The bytes that this entry itself puts into its layer."""
        return self.size if self.kind in (FILE, SYMLINK) else 0


def key_of(path: bytes) -> bytes:
    """A relative path as a key: in their order a directory comes right before all that is in it."""
    return path.replace(b"/", b"\0")


def path_of(key: bytes) -> str:
    """The path of a key, from the root: ``/usr/bin``."""
    return "/" + os.fsdecode(key.replace(b"\0", b"/"))
