"""The paths of two images side by side, kept on disk: memory does not grow with the number of files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ctxsize.files.tarlist import changed_meta
from ctxsize.image.entries import DIRECTORY
from ctxsize.image.fates import fates
from ctxsize.image.inventory import Inventory
from ctxsize.image.types import Image
from ctxsize.inspection.difference.types import Status

_SCHEMA = """
CREATE TABLE paths (
  path BLOB, side INTEGER, live INTEGER, dead INTEGER, shown INTEGER, kind INTEGER, size INTEGER,
  hash BLOB, meta BLOB, PRIMARY KEY (path, side)) WITHOUT ROWID
"""
_ADD = """
INSERT INTO paths VALUES (?, ?, ?, ?, 0, NULL, NULL, NULL, NULL)
  ON CONFLICT DO UPDATE SET live = live + excluded.live, dead = dead + excluded.dead
"""
_SHOW = """
INSERT INTO paths VALUES (?, ?, 0, 0, 1, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET shown = 1, kind = excluded.kind, size = excluded.size,
    hash = excluded.hash, meta = excluded.meta
"""
_ALL = "SELECT side, path, live, dead, shown, kind, size, hash, meta FROM paths ORDER BY path, side"


class Side(NamedTuple):
    """What one image has at a path: the bytes stored there that are shown, and those that are not; whether
    anything is shown there."""

    live: int
    dead: int
    shown: int

    @property
    def bytes(self) -> int:
        """All that the layers have of it."""
        return self.live + self.dead


class PathPair(NamedTuple):
    """A path, a tree key, in both images."""

    path: bytes
    status: Status
    a: Side
    b: Side


_NOTHING = Side(0, 0, 0)


class PathTable:
    """Takes in two images and gives out all their paths. Use as a context manager. Raises sqlite3.Error when
    there is no room for it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(_SCHEMA)

    def __enter__(self) -> PathTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def take(self, side: int, inventory: Inventory, image: Image) -> None:
        """Take in what ``image`` has, as the side 0 or 1."""
        self._database.execute("BEGIN")
        self._database.executemany(_ADD, _stored(side, inventory, image))
        self._database.executemany(_SHOW, _shown(side, inventory, image))
        self._database.execute("COMMIT")

    def pairs(self) -> Iterator[PathPair]:
        """Every path of either image, in the order of their keys. Their bytes add up to the images'."""
        for path, group in groupby(self._database.execute(_ALL), key=itemgetter(1)):
            rows = {row[0]: row for row in group}
            a, b = (Side(*rows[side][2:5]) if side in rows else _NOTHING for side in (0, 1))
            yield PathPair(path, _status(a, b, rows), a, b)


def _stored(side: int, inventory: Inventory, image: Image) -> Iterator[tuple[object, ...]]:
    for each in inventory.stored(image):
        live = each.bytes if each.buried_by is None else 0
        yield each.path, side, live, each.bytes - live


def _shown(side: int, inventory: Inventory, image: Image) -> Iterator[tuple[object, ...]]:
    for fate in fates(inventory.rows(image)):
        row = fate.row
        if fate.buried_by is None and row.kind != DIRECTORY:
            yield row.path, side, row.type, row.size, row.hash, row.meta


def _status(a: Side, b: Side, rows: dict[int, tuple[object, ...]]) -> Status:
    if a.shown and b.shown:
        one, other = rows[0], rows[1]
        # Which name of a hard-linked content has its bytes is no difference.
        if one[5:8] != other[5:8] or set(changed_meta(one[8], other[8])) - {"time"}:  # type: ignore[arg-type]
            return "changed"
        return "same" if a.dead == b.dead else "changed"
    if a.shown or b.shown:
        return "added" if b.shown else "removed"
    if a.bytes == b.bytes:
        return "same"
    return "added" if not a.bytes else "removed" if not b.bytes else "changed"
