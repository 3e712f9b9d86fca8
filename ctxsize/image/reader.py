"""The entries of an image's layers, kept on disk while they are compared and counted.

Nothing is extracted. The listings lie in a private temporary SQLite database (SQLite itself deletes it when
it is closed, however the process ends), so memory does not grow with the number of files.
"""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import ClassVar, Self

from ctxsize.files.tarlist import TarReader
from ctxsize.image.gzipmeter import GzipMeter
from ctxsize.image.streams import Body
from ctxsize.image.types import Change, Image, Layer

_SCHEMA = """
CREATE TABLE entries (
  layer INTEGER, path BLOB, bytes INTEGER, link BLOB, start INTEGER, stop INTEGER, symlink INTEGER,
  PRIMARY KEY (layer, path)) WITHOUT ROWID
"""
_INSERT = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)"
_CHANGES = """
SELECT b.path, coalesce(a.bytes, 0), b.bytes, b.link,
       coalesce(a.start, 0), coalesce(a.stop, 0), b.start, b.stop
  FROM entries b LEFT JOIN entries a ON a.layer = :with AND a.path = b.path
 WHERE b.layer = :without AND coalesce(a.bytes, 0) <> b.bytes
UNION ALL
SELECT a.path, a.bytes, 0, a.link, a.start, a.stop, 0, 0
  FROM entries a LEFT JOIN entries b ON b.layer = :without AND b.path = a.path
 WHERE a.layer = :with AND b.path IS NULL AND a.bytes <> 0
"""
#: How a name may begin that is no clean relative path; others have ``/.`` or ``//`` in them.
_UNUSUAL = (b"", b".", b"/")
_Row = tuple[int, bytes, int, bytes | None, int, int, int]


class LayerReader(ABC):
    """Images that were read (``images``, by id) and what is in their layers; what is kept of each entry is
    for the kinds of it to say.

    A source fills it: ``ctxsize.engine.images`` with what an engine saves, ``ctxsize.image.archive`` with a
    file or an OCI layout. Use as a context manager; what it holds on disk is gone when it is closed.
    """

    _schema: ClassVar[str]
    #: Whether it is enough to know roughly what each entry takes compressed.
    _coarse: ClassVar[bool] = False

    def __init__(self, *, compress: bool = True) -> None:
        """An empty one; ``compress``: to learn how large its layers are then. Raises sqlite3.Error when there
        is no room for its database."""
        #: Whether it learns how large layers are compressed.
        self.compresses = compress
        self.images: dict[str, Image] = {}
        self._layers = 0
        self._curves: dict[int, GzipMeter] = {}
        # An empty name makes SQLite keep the database in an unlinked temporary file.
        # Any thread may fill it, one after the other.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.executescript(self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete what is held on disk."""
        self._database.close()

    def add_layer(self, body: Body, *, stored: int | None = None, pull_bytes: int | None = None) -> Layer:
        """Read a layer's tar. It is compressed to learn ``pull_bytes`` unless they are known; ``stored`` is
        its compressed size when it came compressed: then only its files' shares are to be learnt.

        Raises tarfile.TarError for a damaged one, sqlite3.Error when there is no room for its listing.
        """
        key, self._layers = self._layers, self._layers + 1
        if not self.compresses:
            pull_bytes = None
            self._take(key, body)
        elif pull_bytes is None:
            with GzipMeter(coarse=self._coarse, exact=stored is None) as meter:
                body.listener = meter.feed
                self._take(key, body)
            if stored is not None:
                meter.rescale(stored)
            self._curves[key] = meter
            pull_bytes = meter.total
        else:
            self._take(key, body)
        total, files = self._totals(key)
        return Layer(key=key, diff_id="", bytes=total, files=files, pull_bytes=pull_bytes)

    def _take(self, key: int, body: Body) -> None:
        self._database.execute("BEGIN")
        self._list(key, body)
        self._database.execute("COMMIT")
        body.drain()

    @abstractmethod
    def listing(self, image: Image) -> Iterator[tuple[str, int]]:
        """Path and bytes of every entry of every layer but directories, lowest layer first; a layer that the
        image has several times comes once, with the bytes of all."""

    @abstractmethod
    def _list(self, key: int, body: Body) -> None:
        """Put the entries of a layer into the database."""

    @abstractmethod
    def _totals(self, key: int) -> tuple[int, int]:
        """The bytes and the files of a layer."""


class ImageReader(LayerReader):
    """What two images differ in, and where the bytes of one are, layer by layer."""

    _schema = _SCHEMA

    def changes(self, with_: Layer | None, without: Layer | None) -> Iterator[Change]:
        """Every path whose bytes differ between two layers that the same step made."""
        keys = {"with": with_.key if with_ else -1, "without": without.key if without else -1}
        shares = [self._share(with_), self._share(without)]
        for path, before, after, link, *spans in self._database.execute(_CHANGES, keys):
            yield Change(
                path=os.fsdecode(path),
                bytes_with=before,
                bytes_without=after,
                pull_bytes=shares[1](*spans[2:]) - shares[0](*spans[:2]),
                link=os.fsdecode(link) if link is not None else None,
            )

    def _share(self, layer: Layer | None) -> Callable[[int, int], int]:
        """The compressed bytes of a layer that what lies between two offsets of its tar accounts for."""
        curve = self._curves.get(layer.key) if layer else None
        return lambda start, stop: curve.between(start, stop) if curve and stop else 0

    def symlinks(self, layers: Sequence[Layer]) -> dict[str, str]:
        """Every symlink at the root of ``layers`` with its target; a higher layer's wins. Those further down
        can be millions, and nobody asks for them."""
        found: dict[str, str] = {}
        for layer in layers:
            rows = self._database.execute(
                "SELECT path, link FROM entries WHERE layer = ? AND symlink = 1 AND instr(path, x'2f') = 0",
                (layer.key,),
            )
            found.update((os.fsdecode(path), os.fsdecode(link)) for path, link in rows)
        return found

    def listing(self, image: Image) -> Iterator[tuple[str, int]]:
        for key, times in Counter(layer.key for layer in image.layers).items():
            rows = self._database.execute(
                "SELECT path, bytes FROM entries WHERE layer = ? ORDER BY path", (key,)
            )
            for path, size in rows:
                yield os.fsdecode(path), size * times

    def _list(self, key: int, body: Body) -> None:
        self._database.executemany(_INSERT, _rows(key, body))

    def _totals(self, key: int) -> tuple[int, int]:
        total, files = self._database.execute(
            "SELECT coalesce(sum(bytes), 0), count(*) FROM entries WHERE layer = ?", (key,)
        ).fetchone()
        return total, files


def _rows(key: int, body: Body) -> Iterator[_Row]:
    for name, kind, size, linked, start, stop, _ in TarReader(body).entries():
        if kind == "directory":
            continue
        link = None
        if kind == "symlink":
            link = linked
            size = len(link)
        elif kind == "hardlink":
            link = clean(linked)
        yield key, clean(name), size, link, start, stop, int(kind == "symlink")


def clean(name: bytes) -> bytes:
    """A layer's entry name as a relative path; ``..`` is inert because nothing is extracted."""
    if b"/." in name or b"//" in name or name[:1] in _UNUSUAL:
        return os.path.normpath(b"/" + name).lstrip(b"/")
    return name.rstrip(b"/")
