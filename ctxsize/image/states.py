"""What is in images file by file: two final filesystems compared by content, whatever layers made them.

Kind, content and the targets of links count; times, owners and modes do not.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ctxsize.files.tarlist import TarEntry, TarReader
from ctxsize.image.reader import ImageReader, clean
from ctxsize.image.streams import BLOCK, Body
from ctxsize.image.types import Image, Layer

_SCHEMA = (
    "CREATE TABLE states (layer INTEGER, path BLOB, state BLOB, bytes INTEGER, link BLOB, hides INTEGER,"
    " PRIMARY KEY (layer, path)) WITHOUT ROWID",
    "CREATE TABLE final (image INTEGER, path BLOB, state BLOB, bytes INTEGER,"
    " PRIMARY KEY (image, path)) WITHOUT ROWID",
)
_DIFFERENT = """
SELECT a.path, a.state, a.bytes, b.state, b.bytes
  FROM final a LEFT JOIN final b ON b.image = :after AND b.path = a.path
 WHERE a.image = :before AND (b.state IS NULL OR a.state <> b.state)
UNION ALL
SELECT b.path, NULL, 0, b.state, b.bytes
  FROM final b LEFT JOIN final a ON a.image = :before AND a.path = b.path
 WHERE b.image = :after AND a.state IS NULL
 ORDER BY 1
"""
_DIRECTORY = b"directory"
_HIDES, _OPAQUE = b".wh.", b".wh..wh..opq"
_AT_ONCE = 500
_PYC = 16  # bytes of the head of a compiled Python module
_Row = tuple[int, bytes, bytes, int, bytes | None, bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that is not the same in two images. ``before`` and ``after`` are digests of what is there, None
    where nothing is, and ``bytes_before`` and ``bytes_after`` its size."""

    path: str
    before: bytes | None
    after: bytes | None
    bytes_before: int
    bytes_after: int

    @property
    def what(self) -> str:
        """``is missing``, ``is new`` or ``has another content``."""
        if self.after is None:
            return "is missing"
        return "is new" if self.before is None else "has another content"


class StateReader(ImageReader):
    """Images of which every file's digest is known. Their layers are not compressed: ``pull_bytes`` is 0."""

    def __init__(self) -> None:
        """An empty one. Raises sqlite3.Error when there is no room for its database."""
        super().__init__()
        self._final: dict[str, int] = {}
        for table in _SCHEMA:
            self._database.execute(table)

    def add_layer(self, body: Body, *, stored: int | None = None, pull_bytes: int | None = None) -> Layer:
        """Read a layer's tar; see ImageReader."""
        return super().add_layer(body, pull_bytes=0)

    def differences(self, before: Image, after: Image) -> Iterator[Difference]:
        """The paths that are not the same in the final filesystems of two images, in the order of bytes."""
        keys = {"before": self._finished(before), "after": self._finished(after)}
        for path, state, size, other, other_size in self._database.execute(_DIFFERENT, keys):
            yield Difference(os.fsdecode(path), state, other, size, other_size or 0)

    def forget(self, image: Image) -> None:
        """Drop what is held of an image."""
        number = self._final.pop(image.id, None)
        self._database.execute("DELETE FROM final WHERE image = ?", (number,))
        for layer in image.layers:
            for table in ("states", "entries"):
                self._database.execute(f"DELETE FROM {table} WHERE layer = ?", (layer.key,))  # noqa: S608
        self.images.pop(image.id, None)

    def _list(self, key: int, body: Body) -> None:
        self._database.execute("BEGIN")
        states = self._states(key, TarReader(body))
        while rows := list(islice(states, _AT_ONCE)):
            self._database.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._database.execute(
            "INSERT OR REPLACE INTO entries SELECT layer, path, bytes, link, 0, 0, link IS NOT NULL FROM"
            " states WHERE layer = ? AND state <> ?",
            (key, _DIRECTORY),
        )
        self._database.execute("COMMIT")
        body.drain()

    def _states(self, key: int, tar: TarReader) -> Iterator[_Row]:
        for entry in tar:
            path = os.fsencode(clean(entry.name))
            link = os.fsencode(entry.link) if entry.kind == "symlink" else None
            size = entry.size if link is None else len(link)
            yield key, path, _state(entry, tar), size, link, path.rpartition(b"/")[2].startswith(_HIDES)

    def _finished(self, image: Image) -> int:
        """The number of an image's final filesystem, which is worked out once."""
        number = self._final.get(image.id)
        if number is not None:
            return number
        number = self._final[image.id] = max(self._final.values(), default=0) + 1
        run = self._database.execute
        run("BEGIN")
        for layer in image.layers:
            for (path,) in run("SELECT path FROM states WHERE layer = ? AND hides", (layer.key,)).fetchall():
                self._hide(number, path)
            # A file in place of a directory takes away what was in that.
            for (path,) in run(
                "SELECT s.path FROM states s JOIN final f ON f.image = ? AND f.path = s.path"
                " WHERE s.layer = ? AND f.state = ? AND s.state <> ?",
                (number, layer.key, _DIRECTORY, _DIRECTORY),
            ).fetchall():
                self._hide_below(number, path)
            run(
                "INSERT OR REPLACE INTO final SELECT ?, path, state, bytes FROM states WHERE layer = ?"
                " AND NOT hides",
                (number, layer.key),
            )
        run("COMMIT")
        return number

    def _hide(self, number: int, path: bytes) -> None:
        """What a whiteout takes away of the layers below."""
        above, slash, name = path.rpartition(b"/")
        if name == _OPAQUE:
            self._hide_below(number, above)
        elif name.startswith(_HIDES):
            hidden = above + slash + name.removeprefix(_HIDES)
            self._database.execute("DELETE FROM final WHERE image = ? AND path = ?", (number, hidden))
            self._hide_below(number, hidden)

    def _hide_below(self, number: int, path: bytes) -> None:
        # "0" is what comes after "/".
        self._database.execute(
            "DELETE FROM final WHERE image = ? AND path > ? AND path < ?", (number, path + b"/", path + b"0")
        )


def digest_of_file(data: bytes) -> bytes:
    """The digest of a regular file with that content."""
    return hashlib.blake2b(b"file\0" + data, digest_size=16).digest()


def _state(entry: TarEntry, tar: TarReader) -> bytes:
    """The digest of an entry."""
    if entry.kind == "directory":
        return _DIRECTORY
    digest = hashlib.blake2b(entry.kind.encode() + b"\0", digest_size=16)
    if entry.kind == "file":
        if entry.name.endswith(".pyc"):
            # Behind the magic number and the flags is the time of the source: it counts no more than others.
            head = tar.read(_PYC)
            digest.update(head[:8] + head[12:])
        while data := tar.read(BLOCK):
            digest.update(data)
    elif entry.kind == "hardlink":
        digest.update(os.fsencode(clean(entry.link)))
    else:
        digest.update(os.fsencode(entry.link))
    return digest.digest()
