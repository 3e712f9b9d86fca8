"""``image A B``: from two sources to what one image has more or less than the other."""

from __future__ import annotations

import heapq
import posixpath
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from ctxsize import __version__
from ctxsize.errors import UsageError
from ctxsize.image.entries import path_of
from ctxsize.image.types import Image
from ctxsize.inspection.difference.paths import PathPair, PathTable
from ctxsize.inspection.difference.steps import step_changes
from ctxsize.inspection.difference.types import (
    STATUSES,
    DifferenceTotals,
    ImageDifference,
    PathChange,
    Sizes,
    Status,
    StatusSum,
)
from ctxsize.inspection.inspect import inspect
from ctxsize.inspection.sources import Source
from ctxsize.inspection.tally import Asked
from ctxsize.inspection.types import ImageReport, View
from ctxsize.progress import Progress

#: Directories and extensions that are told apart; what is more counts together.
_MOST_ROWS = 10_000
_OTHERS = "(others)"
#: How many files are kept at most, for those who ask for all.
_MOST_FILES = 10_000


def differ(
    a: Source,
    b: Source,
    progress: Progress,
    *,
    view: View = "dir",
    depth: int = 2,
    most: int = 0,
    on_result: Callable[[ImageDifference], object] = lambda result: None,
) -> ImageDifference:
    """What ``b`` has more or less than ``a``: its steps, and where files are known of both, at most ``most``
    (0: all) rows by ``view``: ``dir`` (as deep as ``depth``), ``ext`` or ``file``. ``on_result`` is given it
    while ``b`` is still open. Raises UsageError and whatever opening them raises."""
    if view == "context":
        raise UsageError("two images are not compared by context path", hint="--by dir shows what differs")
    reports: list[ImageReport] = []
    images: list[Image] = []
    try:
        with PathTable() as table, ExitStack() as stack:
            readable = True
            for side, source in enumerate((a, b)):
                stack.close()  # the first image need not stay while the second one is read
                opened = stack.enter_context(source(progress))
                reports.append(inspect(replace(opened, inventory=None), Asked("step", 0, 0, None)))
                images.append(opened.image)
                if opened.inventory is None:
                    readable = False
                elif readable:
                    table.take(side, opened.inventory, opened.image)
            sums = None
            if readable:
                progress.phase("compare the images")
                sums = _Sums(view, depth, most)
                sums.take(table.pairs())
            result = _difference(reports, images, sums, view)
            on_result(result)
            return result
    except sqlite3.Error as error:
        raise UsageError(
            f"the images' files can't be compared: {error}", hint="have TMPDIR name a directory with room"
        ) from error


@dataclass(slots=True)
class _Row:
    """What was added up of one row: bytes, wasted bytes and files by side, and how many paths of each
    status."""

    bytes: list[int] = field(default_factory=lambda: [0, 0])
    wasted: list[int] = field(default_factory=lambda: [0, 0])
    files: list[int] = field(default_factory=lambda: [0, 0])
    paths: Counter[Status] = field(default_factory=Counter)

    def add(self, pair: PathPair) -> None:
        self.paths[pair.status] += 1
        for side, found in enumerate((pair.a, pair.b)):
            self.bytes[side] += found.bytes
            self.wasted[side] += found.dead
            self.files[side] += found.shown

    @property
    def status(self) -> Status:
        """That of all paths, where it is one."""
        return next(iter(self.paths)) if len(self.paths) == 1 else "changed"


class _Sums:
    """All paths of two images, added up."""

    def __init__(self, view: View, depth: int, most: int) -> None:
        self._most = most or _MOST_FILES
        self._by_file = view == "file"
        self._name = _extension if view == "ext" else _directory(depth)
        self._rows: dict[str, _Row] = {}
        self._largest: list[tuple[int, bytes, PathPair]] = []
        self.all = _Row()
        self.by_status = {status: [0, 0] for status in STATUSES}

    def take(self, pairs: Iterable[PathPair]) -> None:
        """Add everything up."""
        for pair in pairs:
            self.all.add(pair)
            counted = self.by_status[pair.status]
            counted[0] += 1
            counted[1] += pair.b.bytes - pair.a.bytes
            if not self._by_file:
                self._row(pair)
            elif pair.status != "same":
                self._keep(pair)

    def rows(self) -> tuple[tuple[PathChange, ...], int, Sizes]:
        """The rows with the largest changes, how many more differ, and the bytes of all that have no row."""
        if self._by_file:
            kept = sorted(self._largest, key=lambda each: (-each[0], each[1]))
            rows = [_file(pair) for _, _, pair in kept]
            left = sum(count for status, (count, _) in self.by_status.items() if status != "same") - len(rows)
        else:
            found = [_path(name, row) for name, row in self._rows.items()]
            differing = sorted(
                (row for row in found if row.status != "same"),
                key=lambda row: (-abs(row.bytes.change or 0), row.name),
            )
            rows = differing[: self._most]
            left = len(differing) - len(rows)
        shown = [
            sum(size) for size in zip(*((row.bytes.a or 0, row.bytes.b or 0) for row in rows), strict=True)
        ]
        rest = [whole - part for whole, part in zip(self.all.bytes, shown or (0, 0), strict=True)]
        return tuple(rows), left, Sizes(*rest)

    def _row(self, pair: PathPair) -> None:
        name = self._name(path_of(pair.path))
        row = self._rows.get(name)
        if row is None:
            if len(self._rows) >= _MOST_ROWS:
                name = _OTHERS
            row = self._rows.setdefault(name, _Row())
        row.add(pair)

    def _keep(self, pair: PathPair) -> None:
        item = (abs(pair.b.bytes - pair.a.bytes), pair.path, pair)
        if len(self._largest) < self._most:
            heapq.heappush(self._largest, item)
        elif item > self._largest[0]:
            heapq.heapreplace(self._largest, item)


def _file(pair: PathPair) -> PathChange:
    row = _Row()
    row.add(pair)
    return _path(path_of(pair.path), row)


def _path(name: str, row: _Row) -> PathChange:
    return PathChange(row.status, name, Sizes(*row.bytes), Sizes(*row.wasted), Sizes(*row.files))


def _directory(depth: int) -> Callable[[str], str]:
    def name(path: str) -> str:
        return "/".join(path.split("/")[:-1][: depth + 1]) or "/"

    return name


def _extension(path: str) -> str:
    return posixpath.splitext(path.rpartition("/")[2])[1].lower() or "(none)"


def _difference(
    reports: list[ImageReport], images: list[Image], sums: _Sums | None, view: View
) -> ImageDifference:
    a, b = reports
    missing = {**b.missing, **a.missing}
    sized = tuple("bytes" not in report.missing for report in reports)
    rows, left, rest = sums.rows() if sums is not None else ((), 0, Sizes(None, None))
    with_steps = "steps" not in missing
    if sums is None:
        missing.setdefault("files", "the files of only one image are known, or of none")
    return ImageDifference(
        version=__version__,
        created=b.created,
        a=a.image,
        b=b.image,
        totals=DifferenceTotals(
            bytes=Sizes(
                *(each.totals.bytes if known else None for each, known in zip(reports, sized, strict=True))
            ),
            pull_bytes=Sizes(a.totals.pull_bytes, b.totals.pull_bytes),
            wasted_bytes=Sizes(*(sums.all.wasted if sums is not None else (None, None))),
            files=Sizes(*(sums.all.files if sums is not None else (None, None))),
        ),
        steps=step_changes(a.steps, b.steps, _same_layers(reports, images), sized) if with_steps else (),  # type: ignore[arg-type]
        view=view,
        rows=rows,
        rows_left_out=left,
        rest=rest,
        statuses=tuple(StatusSum(status, *sums.by_status[status]) for status in STATUSES)
        if sums is not None
        else (),
        missing=missing,
        warnings=(*a.warnings, *b.warnings),
    )


def _same_layers(reports: list[ImageReport], images: list[Image]) -> set[tuple[int, int]]:
    """The pairs of steps, by their numbers, that have the same layer."""
    names = [
        {step.number: image.layers[step.layer - 1].diff_id for step in report.steps if step.layer is not None}
        for report, image in zip(reports, images, strict=True)
    ]
    by_name: dict[str, list[int]] = {}
    for number, name in names[1].items():
        by_name.setdefault(name, []).append(number)
    return {(one, other) for one, name in names[0].items() for other in by_name.get(name, ())}
