"""Finding the build-cache records that a run left, and removing only those.

BuildKit can't label cache records, so they are recognized in other ways:

- By a description that names the run: received directories have one and, on newer engines, markers
  (ctxsize.engine.marks).
- By time: an older engine describes a marker's record as that of any COPY. It is empty, and was made while
  the marker ran, by the engine's clock. If somebody else's build made such a record at the same moment, what
  is built on it decides: on ours there is only what our steps made. If that is not certain either, neither
  record counts as ours.
- By descent: every record built on one of ours is ours.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import docker

from ctxsize.engine.buildkit import StatusUpdate
from ctxsize.engine.buildkit.bridge import speaks
from ctxsize.engine.buildkit.limits.answers import parse
from ctxsize.engine.errors import sensible
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.marks import is_first_marker
from ctxsize.engine.rfc3339 import parse_time

#: The first API version in which `/system/df` can be asked for the build cache alone.
_DF_BY_TYPE = (1, 42)
_ROUNDS = 50
_DF_SECONDS = 600
#: How an older engine refuses a second question while it answers the first, be it another run's.
_BUSY = "disk usage operation is already running"
_PAUSE_SECONDS = 0.2
#: How an older engine describes what COPY, ADD and WORKDIR make.
_ANONYMOUS = "fileop target"
#: … and what RUN makes.
_RUN_RECORD = "mount / from exec "
#: The step that unpacks an uploaded context, which descends from no marker. A newer engine describes its
#: record so.
_UNPACKING = "copy /context /"
#: How the received tar is described.
_UPLOAD_RECORD = "http url http://build-context-"
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

    @property
    def is_anonymous(self) -> bool:
        """Whether its description says no more than what kind of step made it."""
        return self.description.startswith((_ANONYMOUS, _RUN_RECORD))


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

    def holds(self, moment: int) -> bool:
        """Whether ``moment`` (nanoseconds since the epoch) lies in it, its ends included."""
        return self.start <= moment <= self.stop


@dataclass(slots=True)
class Traces:
    """What identifies the records of a run (times in epoch nanoseconds).

    ``windows`` are when its first marker in each stage ran, ``steps`` when any of its steps did, ``unpacked``
    when an uploaded context was unpacked. ``begun`` are the starts of steps, also of those that never ended;
    ``uploads_since`` is when the first upload began. ``ids`` are the records found to be its own, ``others``
    the candidates that were rejected: once rejected, they stay so.

    Windows are kept after their records were found: while a build is wound down, the engine gives its last
    records new ids.
    """

    windows: dict[Window, None] = field(default_factory=dict)
    steps: dict[Window, None] = field(default_factory=dict)
    unpacked: dict[Window, None] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    uploads_since: int | None = None
    ids: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def not_made(self, records: Iterable[Record]) -> set[str]:
        """The ids of the records that the run can't have made: no step of it ran at that time. Of what was
        made after its last known step, nothing is certain."""
        ended = {step.start for step in self.steps}
        last = max((step.stop for step in self.steps), default=0)
        perhaps_since = min({last, *(self.begun - ended)})
        return {
            record.id
            for record in records
            if record.created < perhaps_since and not any(step.holds(record.created) for step in self.steps)
        }


class OwnRecords:
    """The cache records of one run, recognized by when the engine says its steps ran."""

    def __init__(self, api: docker.APIClient, run: str, journal: Journal) -> None:
        self._api = api
        self._run = run
        self._journal = journal
        self._known = record_ids(api)
        self._traces = Traces()

    def upload(self) -> None:
        """Note that a tar is about to be sent: if that breaks off, the engine keeps the part it has."""
        now = time.time_ns()
        self._traces.uploads_since = self._traces.uploads_since or now
        self._journal.add("upload", str(now))

    def take(self, status: StatusUpdate) -> None:
        """Note the steps that began, and those that ended."""
        for vertex in status.vertexes:
            if vertex.cached or vertex.started is None:
                continue
            if vertex.completed is None:
                self._begin(vertex.started)
                continue
            window = Window.of(vertex.started, vertex.completed)
            self._note("step", window, self._traces.steps)
            if is_first_marker(vertex.name, self._run):
                self._note("window", window, self._traces.windows)
            elif vertex.name == _UNPACKING:
                self._note("unpacked", window, self._traces.unpacked)

    def _begin(self, started: float) -> None:
        start = Window.of(started, started).start
        if start not in self._traces.begun:
            self._traces.begun.add(start)
            self._journal.add("begun", str(start))

    def _note(self, kind: str, window: Window, noted: dict[Window, None]) -> None:
        if window not in noted:
            noted[window] = None
            self._journal.add(kind, str(window))

    def remove(self) -> bool:
        """Remove them all; False when the engine keeps some back because they are in use."""
        ours = select(records(self._api), self._traces, run=self._run, known=self._known)
        return not remove(self._api, {record.id for record in ours})


def record_ids(api: docker.APIClient) -> frozenset[str]:
    """The ids of all cache records on the engine."""
    return frozenset(record.id for record in records(api))


def select(
    every: Iterable[Record], traces: Traces, *, run: str, known: frozenset[str] = frozenset()
) -> list[Record]:
    """Those of ``every`` record that are of ``run``: those that name it, those that its ``traces`` identify
    (and remember), and all that build on them. ``known`` are records that were there before, never ours.

    A received tar has a random name that never comes again, so removing somebody else's costs him nothing."""
    new = {record.id: record for record in every if record.id not in known}
    ours = traces.ids
    ours |= {record.id for record in new.values() if run in record.description}
    if traces.uploads_since is not None:
        ours |= {
            record.id
            for record in new.values()
            if record.description.startswith((_UPLOAD_RECORD, _UNPACKING))
            and record.created >= traces.uploads_since - _SKEW
        }
    _descend(new, ours)
    empty = {record.id for record in new.values() if not record.size}
    beside = _with_ancestors(new, traces.not_made(new.values()))
    markers = empty - beside - _built_meanwhile(new, traces)
    lowest = {record.id for record in new.values() if not record.parents}
    for windows, fit in ((traces.windows, markers), (traces.unpacked, lowest)):
        moments = [_made_in(new, window) & fit - traces.others for window in windows]
        _add_certain(new, ours, moments)
        traces.others |= set().union(*moments) - ours
    return [record for record in new.values() if record.id in ours]


def _add_certain(records: Mapping[str, Record], ours: set[str], moments: Sequence[set[str]]) -> None:
    """Add to ``ours`` the records that can only be ours.

    ``moments`` are the records made in each of our windows. One of each is certainly ours, and it builds on
    nothing made in such a moment. So where as many records as windows are left, all of them are ours.
    """
    candidates = set().union(*moments)
    built = {record.id for record in records.values() if candidates.intersection(record.parents)}
    _descend(records, built)
    moments = [moment - built for moment in moments]
    again = True
    while again:
        again = False
        moments = [left for moment in moments if (left := moment - ours)]
        for moment in moments:
            if sum(other <= moment for other in moments) >= len(moment):
                ours |= moment
                again = True
                break
    _descend(records, ours)


def _with_ancestors(records: Mapping[str, Record], ids: Iterable[str]) -> set[str]:
    """Those records and all that they were built on."""
    found = set(ids)
    ahead = list(found)
    while ahead:
        parents = [each for each in records[ahead.pop()].parents if each in records and each not in found]
        found.update(parents)
        ahead += parents
    return found


def _built_meanwhile(records: Mapping[str, Record], traces: Traces) -> set[str]:
    """The records that were built on what some step made since our first one. A first marker is not among
    them: it is built on a base image."""
    first = min((step.start for step in traces.steps), default=0)
    made = {record.id for record in records.values() if record.created >= first and record.is_anonymous}
    return {record.id for record in records.values() if made.intersection(record.parents)}


def _descend(records: Mapping[str, Record], ours: set[str]) -> None:
    """Add to ``ours`` what was built on them."""
    while more := {record.id for record in records.values() if ours.intersection(record.parents)} - ours:
        ours |= more


def _made_in(records: Mapping[str, Record], window: Window) -> set[str]:
    """The ids of the records without a description of their own that were made in ``window``."""
    return {
        record.id
        for record in records.values()
        if record.description == _ANONYMOUS and window.holds(record.created)
    }


def remove(api: docker.APIClient, ids: Iterable[str]) -> set[str]:
    """Remove exactly these records; returns those that the engine would not give up (in use)."""
    left = set(ids)
    for _ in range(_ROUNDS):
        if not left:
            break
        # A record goes only when nothing builds on it, so leaves first, round by round.
        gone = _prune(api, left)
        left -= gone
        if not gone:
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
        return set(parse(response).get("CachesDeleted") or [])


def records(api: docker.APIClient) -> list[Record]:
    """All records of the engine's build cache. Raises EngineError for an answer that is none."""
    parameters = {"type": "build-cache"} if speaks(api, _DF_BY_TYPE) else {}
    deadline = time.monotonic() + _DF_SECONDS
    while True:
        # Without a type it adds up everything the engine has, which can take minutes.
        response = api._get(api._url("/system/df"), params=parameters, timeout=_DF_SECONDS)
        if response.ok or _BUSY not in response.text or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_SECONDS)
    api._raise_for_status(response)
    with sensible("the build cache"):
        return [_record(each) for each in parse(response).get("BuildCache") or []]


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
