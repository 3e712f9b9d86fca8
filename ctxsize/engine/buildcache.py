"""Telling BuildKit's cache records of a run apart from everybody else's, and removing only those.

BuildKit can't label cache records. A record is ours when its description names the run: that is so for
received directories, and on newer engines for markers (ctxsize.engine.markers). An older engine describes
a marker's record as any other, so there it is told by the time it was made: the few milliseconds in which
the marker ran, by the engine's own clock. And every record that was built on top of one of ours is ours.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import docker

from ctxsize.engine.buildkit import StatusUpdate
from ctxsize.engine.journal import Journal
from ctxsize.engine.markers import is_marker
from ctxsize.engine.trouble import sensible

#: The first API version in which `/system/df` can be asked for the build cache alone.
_DF_BY_TYPE = (1, 42)
_ROUNDS = 50
_DF_SECONDS = 600
#: The steps that receive an uploaded context, which descends from no marker.
_UPLOADS = frozenset({"[internal] load remote build context", "copy /context /"})
#: How the received tar is described; it is made a few milliseconds before the step is reported to start.
_UPLOAD_RECORD = "http url http://build-context-"
_UPLOAD_EARLY = 500_000_000
#: How much the engine's clock may be behind ours when we say when an upload began.
_SKEW = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the engine's build cache. ``created`` is in nanoseconds since the epoch; ``size`` in
    bytes, of which none would be freed when it is ``shared`` with an image."""

    id: str
    description: str
    parents: tuple[str, ...]
    created: int
    size: int
    shared: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a step of ours ran: nanoseconds since the epoch, by the engine's clock."""

    start: int
    stop: int

    def __str__(self) -> str:
        return f"{self.start} {self.stop}"

    @classmethod
    def of(cls, started: float, completed: float) -> Window:
        """A window from epoch seconds, a little wider because those have lost their last digits."""
        return cls(int(started * 1e9) - 1000, int(completed * 1e9) + 1000)

    @classmethod
    def parse(cls, text: str) -> Window:
        start, stop = text.split()
        return cls(int(start), int(stop))


class OwnRecords:
    """The cache records of one run, told by the times of its steps as the engine reports them."""

    def __init__(self, api: docker.APIClient, run: str, journal: Journal) -> None:
        self._api = api
        self._run = run
        self._journal = journal
        self._known = record_ids(api)
        self._windows: dict[str, Window] = {}
        self._uploading: int | None = None

    def upload(self) -> None:
        """Note that a tar is about to be sent: the engine keeps what it has of it when that breaks off."""
        now = time.time_ns()
        self._uploading = self._uploading or now
        self._journal.add("upload", str(now))

    def take(self, status: StatusUpdate) -> None:
        """Note the steps that ended."""
        for vertex in status.vertexes:
            if vertex.cached or vertex.started is None or vertex.completed is None:
                continue
            if not (is_marker(vertex.name) or vertex.name in _UPLOADS):
                continue
            window = Window.of(vertex.started, vertex.completed)
            if str(window) not in self._windows:
                self._windows[str(window)] = window
                self._journal.add("window", str(window))

    def remove(self) -> bool:
        """Remove them all; False when the engine keeps some back because they are in use."""
        ours = select(
            records(self._api),
            list(self._windows.values()),
            run=self._run,
            known=self._known,
            uploads_since=self._uploading,
        )
        return not remove(self._api, {record.id for record in ours})


def record_ids(api: docker.APIClient) -> frozenset[str]:
    """The ids of all cache records on the engine."""
    return frozenset(record.id for record in records(api))


def select(
    every: Iterable[Record],
    windows: Sequence[Window],
    *,
    run: str,
    known: frozenset[str] = frozenset(),
    uploads_since: int | None = None,
) -> list[Record]:
    """Of ``every`` record those that were made in one of ``windows`` or that name ``run``, the tars received
    since ``uploads_since`` (epoch nanoseconds), and all records that build on them. ``known`` are records
    that were there before and are never ours.

    A received tar has a random name that never comes again, so it is of no use to
    whoever else sent one."""
    new = [record for record in every if record.id not in known]
    ours = {record.id for record in new if run in record.description or _within(record, windows)}
    if uploads_since is not None:
        ours |= {
            record.id
            for record in new
            if record.description.startswith(_UPLOAD_RECORD) and record.created >= uploads_since - _SKEW
        }
    while more := {record.id for record in new if ours.intersection(record.parents)} - ours:
        ours |= more
    return [record for record in new if record.id in ours]


def remove(api: docker.APIClient, ids: Iterable[str]) -> set[str]:
    """Remove exactly these records; returns those that the engine would not give up (in use)."""
    left = set(ids)
    for _ in range(_ROUNDS):
        # A record goes only when nothing builds on it, so leaves first, round by round.
        gone = _prune(api, left)
        left -= gone
        if not gone or not left:
            break
    return left & record_ids(api) if left else left


def _prune(api: docker.APIClient, ids: Iterable[str]) -> set[str]:
    """Have the engine remove these records, in one call; returns those it did remove.

    The filter's value is a regular expression, in quotes that BuildKit's filter syntax wants.
    """
    expression = "|".join(sorted(ids))
    parameters = {"all": "1", "filters": json.dumps({"id": [f'"^({expression})$"']})}
    response = api._post(api._url("/build/prune"), params=parameters)
    api._raise_for_status(response)
    with sensible("pruning the build cache"):
        return set(response.json().get("CachesDeleted") or [])


def records(api: docker.APIClient) -> list[Record]:
    """All records of the engine's build cache. Raises EngineError for an answer that is none."""
    major, _, minor = str(api._version).partition(".")
    parameters = {"type": "build-cache"} if (int(major), int(minor)) >= _DF_BY_TYPE else {}
    # Without a type it adds up everything the engine has, which can take minutes.
    response = api._get(api._url("/system/df"), params=parameters, timeout=_DF_SECONDS)
    api._raise_for_status(response)
    with sensible("the build cache"):
        return [_record(each) for each in response.json().get("BuildCache") or []]


def _record(fields: dict[str, Any]) -> Record:
    # Engine 28 writes the key with a leading space.
    parents = [str(each) for each in fields.get("Parents") or fields.get(" Parents") or []]
    if fields.get("Parent"):
        parents.append(str(fields["Parent"]))
    return Record(
        id=str(fields["ID"]),
        description=str(fields.get("Description", "")),
        parents=tuple(parents),
        created=parse_time(str(fields["CreatedAt"])),
        size=int(fields.get("Size") or 0),
        shared=bool(fields.get("Shared")),
    )


def parse_time(text: str) -> int:
    """An RFC 3339 time with up to nine digits of a second as nanoseconds since the epoch."""
    date, _, rest = text.partition(".")
    digits = rest.rstrip("Z").split("+")[0].split("-")[0] if rest else ""
    zone = text[len(date) + 1 + len(digits) :] if rest else ""
    whole = datetime.fromisoformat((date + zone) if rest else text)
    return int(whole.timestamp()) * 10**9 + int(digits.ljust(9, "0") if digits else 0)


def _within(record: Record, windows: Sequence[Window]) -> bool:
    early = _UPLOAD_EARLY if record.description.startswith(_UPLOAD_RECORD) else 0
    return any(window.start - early <= record.created <= window.stop for window in windows)
