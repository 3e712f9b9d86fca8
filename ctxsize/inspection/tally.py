"""Adding up what an image's layers store, in one pass; of a file that no list names nothing is kept."""

from __future__ import annotations

import heapq
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ctxsize.image.entries import path_of
from ctxsize.image.inventory import Stored
from ctxsize.inspection.leftovers import leftover_place
from ctxsize.inspection.steps import Step
from ctxsize.inspection.types import Leftover, View, ViewRow, Wasted, WasteGroup

#: Contents that are listed one by one, rows of a view, and places of leftovers, at most.
MOST_WASTED = 10_000
MOST_ROWS = 10_000
_MOST_PLACES = 1_000
_OTHERS = "(others)"
_GroupKey = tuple[int, int, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be listed. ``layer`` is the position of the only one that is looked at, and ``base`` the
    number of lowest layers that are not, both for rows and lists, never for sums."""

    view: View = "step"
    depth: int = 2
    largest: int = 0
    layer: int | None = None
    hidden: int = 0

    def shows(self, position: int) -> bool:
        """Whether contents of that layer are listed."""
        return position >= self.hidden and self.layer in (None, position)


@dataclass(slots=True)
class _Sum:
    """Bytes of a row: all, those shown, and the files."""

    bytes: int = 0
    live: int = 0
    files: int = 0
    pull: int | None = 0

    def add(self, stored: Stored) -> None:
        self.bytes += stored.bytes
        self.files += 1
        if stored.buried_by is None:
            self.live += stored.bytes


@dataclass(slots=True)
class _Group:
    """As WasteGroup; ``common`` is the key of what all of its paths begin with."""

    common: bytes
    bytes: int = 0
    files: int = 0
    pull: int | None = 0
    modes: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Tally:
    """What was added up, by the positions of layers. ``base`` is the number of layers that are not the
    user's."""

    steps: Sequence[Step]
    base: int
    asked: Asked
    live: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    wasted: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    buried: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    live_files: int = 0
    _groups: dict[_GroupKey, _Group] = field(default_factory=dict)
    _heap: list[tuple[int, int, Stored]] = field(default_factory=list)
    _rows: dict[str, _Sum] = field(default_factory=dict)
    _files: list[tuple[int, int, Stored]] = field(default_factory=list)
    _largest: list[tuple[int, int, Stored]] = field(default_factory=list)
    _places: dict[tuple[str, str], dict[int, _Sum]] = field(default_factory=dict)
    _count: int = 0
    _in_view: int = 0
    _listed: tuple[int, int] = (0, 0)

    def take(
        self,
        contents: Iterable[Stored],
        pull: Callable[[Stored], int | None],
        name: Callable[[Stored], str] | None = None,
    ) -> None:
        """Add everything up. ``pull`` gives a content's compressed size, ``name`` the row it belongs to:
        without it there are none."""
        shown, bytes_listed, wasted_listed = self.asked, 0, 0
        for stored in contents:
            self._count += 1
            if stored.buried_by is None:
                self.live[stored.position] += stored.bytes
                self.live_files += 1
                self._leftover(stored, pull)
            else:
                self.wasted[stored.position] += stored.bytes
                self.buried[stored.buried_by] += stored.bytes
            if not shown.shows(stored.position):
                continue
            self._in_view += 1
            if stored.buried_by is not None and stored.bytes:
                self._waste(stored, pull(stored))
                wasted_listed, bytes_listed = wasted_listed + 1, bytes_listed + stored.bytes
                self._largest_of(self._heap, stored, MOST_WASTED)
            elif shown.largest and stored.bytes:
                self._largest_of(self._largest, stored, shown.largest)
            if name is not None:
                self._row(name(stored), stored)
            elif shown.view == "file":
                self._largest_of(self._files, stored, MOST_ROWS)
        self._listed = (wasted_listed, bytes_listed)

    def wasted_list(self, pull: Callable[[Stored], int | None]) -> tuple[tuple[Wasted, ...], tuple[int, int]]:
        """The largest dead contents, and how many there are beside them, with their bytes."""
        numbers = self._numbers()
        found = tuple(
            Wasted(
                path=path_of(each.path),
                bytes=each.bytes,
                cause=each.cause,
                stored_by=numbers[each.position],
                buried_by=numbers[each.buried_by],
                reclaimable=each.position >= self.base,
                changed=each.changed,
                pull_bytes=pull(each),
            )
            for each in _sorted(self._heap)
            if each.cause is not None and each.buried_by is not None
        )
        count, size = self._listed
        return found, (count - len(found), size - sum(each.bytes for each in found))

    def groups(self) -> tuple[WasteGroup, ...]:
        """The dead contents by step and cause, those with the most bytes first."""
        numbers = self._numbers()
        found = (
            WasteGroup(
                path=path_of(group.common),
                bytes=group.bytes,
                files=group.files,
                cause=cause,  # type: ignore[arg-type]
                stored_by=numbers[stored],
                buried_by=numbers[buried],
                reclaimable=stored >= self.base,
                changed=changed,
                pull_bytes=group.pull,
                mode=min(group.modes) if len(group.modes) == 1 else None,
            )
            for (stored, buried, cause, changed), group in self._groups.items()
        )
        return tuple(sorted(found, key=lambda each: (-each.bytes, each.stored_by, each.buried_by, each.path)))

    def leftovers(self) -> tuple[Leftover, ...]:
        """What was left, the largest first."""
        numbers = self._numbers()
        found = []
        for (path, kind), sums in self._places.items():
            steps = {numbers[position]: each.bytes for position, each in sorted(sums.items()) if each.bytes}
            files = sum(each.files for each in sums.values())
            base = all(position < self.base for position in sums)
            if steps:
                pulls = {numbers[position]: each.pull for position, each in sums.items()}
                found.append(Leftover(path, kind, sum(steps.values()), files, steps, pulls, base))
        return tuple(sorted(found, key=lambda each: (-each.bytes, each.path)))

    def rows(self) -> tuple[tuple[ViewRow, ...], int]:
        """The rows of the view, the largest first, and how many more there are."""
        if self.asked.view == "file":
            files = tuple(self._file_rows(self._files))
            return files, self._in_view - len(files)
        found = [
            ViewRow(name, each.bytes, each.live, each.bytes - each.live, each.files)
            for name, each in self._rows.items()
        ]
        return tuple(sorted(found, key=lambda row: (-row.bytes, row.name))), 0

    def largest(self) -> tuple[ViewRow, ...]:
        """The largest files that are shown."""
        return tuple(self._file_rows(self._largest))

    def _file_rows(self, heap: list[tuple[int, int, Stored]]) -> Iterator[ViewRow]:
        numbers = self._numbers()
        for each in _sorted(heap):
            live = each.bytes if each.buried_by is None else 0
            yield ViewRow(path_of(each.path), each.bytes, live, each.bytes - live, 1, numbers[each.position])

    def _numbers(self) -> dict[int, int]:
        return {step.position: step.number for step in self.steps if step.position is not None}

    def _largest_of(self, heap: list[tuple[int, int, Stored]], stored: Stored, most: int) -> None:
        item = (stored.bytes, -self._count, stored)
        if len(heap) < most:
            heapq.heappush(heap, item)
        elif item > heap[0]:
            heapq.heapreplace(heap, item)

    def _waste(self, stored: Stored, pull: int | None) -> None:
        assert stored.buried_by is not None and stored.cause is not None
        key = (stored.position, stored.buried_by, stored.cause, stored.changed)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(stored.path)
        elif not stored.path.startswith(group.common + b"\0"):
            group.common = _common(group.common, stored.path)
        group.bytes += stored.bytes
        group.files += 1
        if stored.mode and len(group.modes) < 2:
            group.modes.add(stored.mode.strip(b"\0 ").decode("latin-1")[-4:].lstrip("0") or "0")
        group.pull = None if pull is None or group.pull is None else group.pull + pull

    def _leftover(self, stored: Stored, pull: Callable[[Stored], int | None]) -> None:
        place = leftover_place(path_of(stored.path))
        if place is None:
            return
        sums = self._places.get(place)
        if sums is None:
            if len(self._places) >= _MOST_PLACES:
                return
            sums = self._places[place] = {}
        total = sums.setdefault(stored.position, _Sum())
        total.add(stored)
        if total.pull is not None:
            size = pull(stored)
            total.pull = None if size is None else total.pull + size

    def _row(self, name: str, stored: Stored) -> None:
        row = self._rows.get(name)
        if row is None:
            if len(self._rows) >= MOST_ROWS:
                name = _OTHERS
            row = self._rows.setdefault(name, _Sum())
        row.add(stored)


def directory_of(stored: Stored, depth: int) -> str:
    """The directory a content is listed under: the one it lies in, or that one's ancestor at ``depth``."""
    return path_of(b"\0".join(stored.path.split(b"\0")[:-1][:depth]))


def extension_of(stored: Stored) -> str:
    """``.py``; names without one are one row."""
    name = path_of(stored.path).rpartition("/")[2]
    return posixpath.splitext(name)[1].lower() or "(none)"


def _sorted(heap: list[tuple[int, int, Stored]]) -> list[Stored]:
    return [item[2] for item in sorted(heap, key=lambda item: (-item[0], item[2].path, item[2].position))]


def _common(one: bytes, other: bytes) -> bytes:
    """The directory that both lie in, or are."""
    if one == other or not one:
        return one
    parts = []
    for mine, theirs in zip(one.split(b"\0"), other.split(b"\0"), strict=False):
        if mine != theirs:
            break
        parts.append(mine)
    return b"\0".join(parts)
