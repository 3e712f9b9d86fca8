"""All that the layers of images hold, entry by entry, kept on disk, and what becomes of it.

Beside what ImageReader keeps there are directories, what a layer removes of lower ones (*whiteouts*), who
owns what, and a digest of each content, so that a copy is known for one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

from ctxsize.files.tarlist import TarReader, changed_meta
from ctxsize.image.entries import (
    DIRECTORY,
    ENTRY,
    FILE,
    HARDLINK,
    OPAQUE,
    OTHER,
    OTHER_NAME,
    SYMLINK,
    SYMLINK_NAME,
    WHITEOUT,
    Row,
    key_of,
    path_of,
)
from ctxsize.image.fates import Cause, Fate, fates
from ctxsize.image.reader import LayerReader, clean
from ctxsize.image.streams import BLOCK, Body
from ctxsize.image.types import Image, Layer

_KINDS = {"file": FILE, "directory": DIRECTORY, "symlink": SYMLINK, "hardlink": HARDLINK, "other": OTHER}
_WHITEOUT, _META, _OPAQUE = b".wh.", b".wh..wh.", b".wh..wh..opq"
_DIGEST_BYTES = 16
#: Links to links, to links, …: engines write none, and what is deeper counts as a link to nothing.
_MOST_STEPS = 8
#: Bytes of a file from which on a second one of the same content is worth telling of.
DUPLICATE_BYTES = 64_000
#: How many paths are named of one content.
_MOST_NAMED = 20

_SCHEMA = """
CREATE TABLE entries (
  layer INTEGER, path BLOB, mark INTEGER, kind INTEGER, size INTEGER, link BLOB, hash BLOB, meta BLOB,
  start INTEGER, stop INTEGER, shared INTEGER,
  PRIMARY KEY (layer, path, mark)) WITHOUT ROWID;
CREATE TABLE names (
  position INTEGER, root BLOB, path BLOB, size INTEGER, kind INTEGER, layer INTEGER, start INTEGER,
  stop INTEGER, hash BLOB, buried INTEGER, cause TEXT, changed TEXT);
CREATE TABLE large (size INTEGER, hash BLOB, path BLOB);
CREATE TABLE shown (
  slot INTEGER, path BLOB, type INTEGER, size INTEGER, hash BLOB, meta BLOB, position INTEGER,
  PRIMARY KEY (slot, path)) WITHOUT ROWID;
"""
_INSERT = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
_CHAINED = """
UPDATE entries SET link = target.link FROM entries AS target
 WHERE entries.layer = :layer AND entries.kind = :hardlink AND entries.mark = 0
   AND target.layer = :layer AND target.path = entries.link AND target.mark = 0 AND target.kind = :hardlink
   AND target.link <> entries.link
"""
_CONTENT = """
UPDATE entries SET size = target.size, hash = target.hash,
    kind = CASE target.kind WHEN :symlink THEN :symlink_name WHEN :other THEN :other_name ELSE :hardlink END
  FROM entries AS target
 WHERE entries.layer = :layer AND entries.kind = :hardlink AND entries.mark = 0
   AND target.layer = :layer AND target.path = entries.link AND target.mark = 0
   AND target.kind IN (:file, :symlink, :other)
"""
_SHARED = """
UPDATE entries SET shared = 1 WHERE layer = :layer AND mark = 0 AND (link IS NOT NULL OR
  path IN (SELECT link FROM entries WHERE layer = :layer AND link IS NOT NULL))
"""
_TOTALS = """
SELECT coalesce(sum(CASE WHEN kind IN (0, 2) THEN size ELSE 0 END), 0), count(*) FROM entries
 WHERE layer = ? AND mark = 0 AND kind <> 1
"""
_ROWS = """
SELECT path, layer, mark, kind, size, link, hash, meta, start, stop, shared FROM entries
 WHERE layer IN (SELECT value FROM json_each(?)) ORDER BY path, layer
"""
_LISTING = "SELECT path, kind, size FROM entries WHERE layer = ? AND mark = 0 AND kind <> 1 ORDER BY path"
_NAME = "INSERT INTO names VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NAMES = "SELECT * FROM names ORDER BY position, root, buried IS NOT NULL, buried DESC, path"
_SHOWN = "INSERT OR REPLACE INTO shown VALUES (?, ?, ?, ?, ?, ?, ?)"
_DIFFERING = """
SELECT a.path, a.type, a.size, a.hash, a.meta, a.position, b.path, b.type, b.size, b.hash, b.meta, b.position
  FROM shown a LEFT JOIN shown b ON b.slot = :after AND b.path = a.path WHERE a.slot = :before
   AND (b.path IS NULL OR a.type <> b.type OR a.size <> b.size OR a.hash <> b.hash OR a.meta <> b.meta)
UNION ALL
SELECT NULL, 0, 0, NULL, NULL, 0, b.path, b.type, b.size, b.hash, b.meta, b.position
  FROM shown b WHERE b.slot = :after AND NOT EXISTS (
    SELECT 1 FROM shown a WHERE a.slot = :before AND a.path = b.path)
"""
_DUPLICATES = """
SELECT size, hash, count(*) FROM large GROUP BY size, hash HAVING count(*) > 1
 ORDER BY size * (count(*) - 1) DESC, hash LIMIT ?
"""


#: Bytes of a tar's header.
Header = bytes


class Stored(NamedTuple):
    """A content that a layer stores: a file, whatever number of names it has there, or a symlink.

    ``path`` is a tree key: of a hard-linked file a name that is shown, or the one that was buried last.
    ``position`` is the layer's place in the image. ``buried_by``, ``cause`` and ``changed`` as in Fate.
    ``layer``, ``start`` and ``stop`` are for ``Inventory.pull_bytes``. ``mode`` is that of the copy that took
    its place, as in a tar's header, where it changed.
    """

    path: bytes
    position: int
    bytes: int
    kind: int
    buried_by: int | None
    cause: Cause | None
    changed: tuple[str, ...]
    layer: int
    start: int
    stop: int
    mode: Header = b""


class Copies(NamedTuple):
    """A content of ``bytes`` bytes that ``files`` files have, which are stored one by one; ``paths`` are the
    first of them."""

    bytes: int
    files: int
    paths: tuple[str, ...]


class Shown(NamedTuple):
    """What the final file system has at a path, of the layer at ``position``; as in Row."""

    type: int
    size: int
    hash: Header
    meta: Header
    position: int


class ShownPair(NamedTuple):
    """A path (a tree key) at which two images have something else; None: nothing."""

    path: bytes
    before: Shown | None
    after: Shown | None


#: How a sentence about a path says each of its ``changes``.
CHANGED = {
    "missing": "is missing",
    "new": "is new",
    "type": "is something else",
    "content": "has another content",
    "mode": "has another mode",
    "owner": "has another owner",
}


def changes(before: Shown | None, after: Shown | None) -> tuple[str, ...]:
    """What two images don't have alike at a path, times apart: keys of CHANGED, what matters most first."""
    if before is None or after is None:
        return () if before is after else ("missing",) if after is None else ("new",)
    if before.type != after.type:
        return ("type",)
    content = () if (before.size, before.hash) == (after.size, after.hash) else ("content",)
    return (*content, *(each for each in changed_meta(before.meta, after.meta) if each != "time"))


class Inventory(LayerReader):
    """Everything in the layers of images."""

    _schema = _SCHEMA
    _coarse = True

    def rows(self, image: Image) -> Iterator[Row]:
        """All entries and marks of all layers, in the order of their keys. A layer that the image has several
        times gives its rows for each."""
        positions: dict[int, list[int]] = {}
        for position, layer in enumerate(image.layers):
            positions.setdefault(layer.key, []).append(position)
        for path, layer, *rest in self._database.execute(_ROWS, (str([*positions]),)):
            for position in positions[layer]:
                yield Row(path, position, layer, *rest)

    def stored(self, image: Image) -> Iterator[Stored]:
        """Every content that the layers of ``image`` store, for each layer that stores it. Their bytes add up
        to those of the layers. Afterwards ``duplicates`` tells of this image."""
        execute = self._database.execute
        if not self._database.in_transaction:
            execute("BEGIN")
        execute("DELETE FROM names")
        execute("DELETE FROM large")
        for fate in fates(self.rows(image)):
            row = fate.row
            if row.shared:
                self._put_aside(fate)
            elif row.kind != DIRECTORY:
                if row.size >= DUPLICATE_BYTES and fate.buried_by is None and row.kind == FILE:
                    execute("INSERT INTO large VALUES (?, ?, ?)", (row.size, row.hash, row.path))
                yield Stored(
                    row.path, row.position, row.stored, row.kind, fate.buried_by, fate.cause, fate.changed,
                    row.layer, row.start, row.stop, fate.mode,
                )  # fmt: skip
        yield from self._linked()
        execute("COMMIT")

    def duplicates(self, most: int) -> list[Copies]:
        """The files of 64 kB and more that have the same content and are not linked, those first that take
        most; of the image that ``stored`` went through."""
        found = self._database.execute(_DUPLICATES, (most,)).fetchall()
        named = "SELECT path FROM large WHERE size = ? AND hash = ? ORDER BY path LIMIT ?"
        return [
            Copies(
                size,
                count,
                tuple(
                    path_of(path) for (path,) in self._database.execute(named, (size, digest, _MOST_NAMED))
                ),
            )
            for size, digest, count in found
        ]

    def listing(self, image: Image) -> Iterator[tuple[str, int]]:
        for key, times in Counter(layer.key for layer in image.layers).items():
            for path, kind, size in self._database.execute(_LISTING, (key,)):
                yield path_of(path)[1:], size * times if kind in (FILE, SYMLINK) else 0

    def layers_with(self, image: Image, path: str) -> frozenset[int]:
        """The positions of the layers of ``image`` that have an entry at ``path``."""
        rows = self._database.execute(
            "SELECT layer FROM entries WHERE path = ? AND mark = 0", (key_of(clean(os.fsencode(path))),)
        )
        keys = {key for (key,) in rows}
        return frozenset(position for position, layer in enumerate(image.layers) if layer.key in keys)

    def directories(self, layer: Layer) -> Iterator[str]:
        """The directories that a layer has entries of; also those above what it stores."""
        rows = self._database.execute(
            "SELECT path FROM entries WHERE layer = ? AND mark = 0 AND kind = ?", (layer.key, DIRECTORY)
        )
        return (path_of(path) for (path,) in rows)

    def show(self, slot: int, image: Image) -> None:
        """Keep what the final file system of ``image`` has, under the number ``slot``."""
        rows = (fate.row for fate in fates(self.rows(image)) if fate.buried_by is None)
        self._database.execute("BEGIN")
        self._database.executemany(
            _SHOWN,
            (
                (slot, row.path, row.type, 0 if row.type == DIRECTORY else row.size, row.hash, row.meta,
                 row.position)
                for row in rows
            ),
        )  # fmt: skip
        self._database.execute("COMMIT")

    def differing(self, before: int, after: int) -> Iterator[ShownPair]:
        """The paths that differ between what ``show`` kept; also those that differ in nothing but time."""
        for row in self._database.execute(_DIFFERING, {"before": before, "after": after}):
            one, other = row[:6], row[6:]
            yield ShownPair(
                other[0] if one[0] is None else one[0],
                None if one[0] is None else Shown(*one[1:]),
                None if other[0] is None else Shown(*other[1:]),
            )

    def forget(self, slot: int, image: Image) -> None:
        """Drop what is kept of ``image``, and what ``show`` kept under ``slot``."""
        self._database.execute("DELETE FROM shown WHERE slot = ?", (slot,))
        for layer in image.layers:
            self._database.execute("DELETE FROM entries WHERE layer = ?", (layer.key,))

    def pull_bytes(self, stored: Stored) -> int | None:
        """What it takes compressed, estimated; None when its layer was not compressed to learn that."""
        curve = self._curves.get(stored.layer)
        return None if curve is None else curve.between(stored.start, stored.stop)

    def _put_aside(self, fate: Fate) -> None:
        """Keep a name of a content that has several, until all of them are known."""
        row = fate.row
        root = row.path if row.link is None else row.link
        self._database.execute(
            _NAME,
            (
                row.position, root, row.path, row.size, row.kind, row.layer, row.start, row.stop, row.hash,
                fate.buried_by, fate.cause, " ".join(fate.changed),
            ),
        )  # fmt: skip

    def _linked(self) -> Iterator[Stored]:
        """The contents with several names: shown when one of these is, buried with the last of them."""
        read, write = self._database.execute(_NAMES), self._database.cursor()
        for (position, _), group in groupby(read, key=lambda name: (name[0], name[1])):
            names = list(group)
            _, _, path, size, _, _, _, _, digest, buried, cause, changed = names[0]
            first = next((name for name in names if name[2] == name[1]), None)
            if first is None:  # of links to nothing in their layer nothing is stored
                continue
            if first[4] == DIRECTORY:
                continue
            if size >= DUPLICATE_BYTES and buried is None and first[4] == FILE:
                write.execute("INSERT INTO large VALUES (?, ?, ?)", (size, digest, path))
            layer, start, stop = first[5:8]
            yield Stored(
                path, position, first[3], first[4], buried, cause, tuple((changed or "").split()),
                layer, start, stop,
            )  # fmt: skip

    def _list(self, key: int, body: Body) -> None:
        links = _Counted()
        self._database.executemany(_INSERT, _rows(key, body, links))
        if not links.count:
            return
        names = {
            "layer": key, "hardlink": HARDLINK, "file": FILE, "symlink": SYMLINK, "other": OTHER,
            "symlink_name": SYMLINK_NAME, "other_name": OTHER_NAME,
        }  # fmt: skip
        for _ in range(_MOST_STEPS):
            if not self._database.execute(_CHAINED, names).rowcount:
                break
        self._database.execute(_CONTENT, names)
        self._database.execute(_SHARED, names)

    def _totals(self, key: int) -> tuple[int, int]:
        total, files = self._database.execute(_TOTALS, (key,)).fetchone()
        return total, files


class _Counted:
    """How many hard links came by."""

    count = 0


def _rows(layer: int, body: Body, links: _Counted) -> Iterator[tuple[object, ...]]:
    tar = TarReader(body)
    for name, type_, size, linked, start, stop, meta in tar.entries():
        kind = _KINDS[type_]
        link, digest = None, b""
        path = clean(name)
        if _WHITEOUT in path:
            folder, slash, last = path.rpartition(b"/")
            if last.startswith(_WHITEOUT):
                if last == _OPAQUE:
                    yield layer, key_of(folder), OPAQUE, OTHER, 0, None, b"", b"", 0, 0
                elif not last.startswith(_META):  # others are AUFS's own, and nobody unpacks them
                    removed = folder + slash + last[len(_WHITEOUT) :]
                    yield layer, key_of(removed), WHITEOUT, OTHER, 0, None, b"", b"", 0, 0
                continue
        if kind == FILE:
            if size:
                digest = _digest(tar)
        elif kind == SYMLINK:
            digest = linked
            size = len(linked)
        elif kind == HARDLINK:
            links.count += 1
            link = key_of(clean(linked))
        yield layer, key_of(path), ENTRY, kind, size, link, digest, meta, start, stop


def _digest(tar: TarReader) -> bytes:
    # Never more at once, whatever the entry's header claims.
    data = tar.read(BLOCK)
    found = blake2b(data, digest_size=_DIGEST_BYTES)
    while len(data) == BLOCK:
        data = tar.read(BLOCK)
        found.update(data)
    return found.digest()
