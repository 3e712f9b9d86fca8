"""Finding the build-cache records that a run left, and removing only those.

BuildKit can't label cache records, so they are recognized in other ways:

- By a description that names the run: received directories have one and, on newer engines, markers
  (ctxsize.engine.marks).
- By time: an older engine describes a marker's record as that of any COPY. It is empty, and was made while
  the marker ran, by the engine's clock. If somebody else's build made such a record at the same moment, what
  is built on it decides: on ours there is only what our steps made. If that is not certain either, neither
  record counts as ours.
- By descent: every record built on one of ours is ours.
- By name and time: what is made from nothing (``COPY --link``, a heredoc's text, what ADD fetches) is built
  on no marker. Its record has the step's name, or its address, and was made while the step ran. It is ours
  if it is the only such one, and nothing but ours is built on it: another build may use it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ctxsize.engine.buildkit import CacheRecord, Control, StatusUpdate
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.marks import is_first_marker
from ctxsize.progress import Progress, Removal, Silent

_ROUNDS = 50
#: How an older engine describes what COPY, ADD and WORKDIR make.
_ANONYMOUS = "fileop target"
#: … and what RUN makes.
_RUN_RECORD = "mount / from exec "
#: What is part of the name of a step whose record is built on nothing.
_LINKED = "--link"
_INLINE = "[internal] preparing inline document"
#: How BuildKit begins the description of what ADD fetches, and its address in a step's name.
_FETCHED = "http url "
_ADDRESS = ("http://", "https://")


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


@dataclass(frozen=True, slots=True)
class Expected:
    """A record built on nothing that a step of ours made: when, and what describes it. Of that there is a
    digest: a step's name can hold the value of a build argument, and a journal must not."""

    window: Window
    digest: str

    def __str__(self) -> str:
        return f"{self.window} {self.digest}"

    @classmethod
    def parse(cls, text: str) -> Expected:
        window, _, digest = text.rpartition(" ")
        return cls(Window.parse(window), digest)

    @classmethod
    def of(cls, step: str, window: Window) -> list[Expected]:
        """What the step of that name, which ran in ``window``, may have made."""
        made = [step] if _LINKED in step or step == _INLINE else []
        made += [_FETCHED + word for word in step.split() if word.startswith(_ADDRESS)]
        return [cls(window, _digest(each)) for each in made]


def _digest(description: str) -> str:
    return hashlib.sha256(description.encode()).hexdigest()[:32]


@dataclass(slots=True)
class Traces:
    """What identifies the records of a run (times in epoch nanoseconds).

    ``windows`` are when its first marker in each stage ran, ``steps`` when any of its steps did. ``begun``
    are the starts of steps, also of those that never ended. ``ids`` are the records found to be its own,
    ``others`` the candidates that were rejected: once rejected, they stay so. ``expected`` are records that
    are built on nothing.

    Windows are kept after their records were found: while a build is wound down, the engine gives its last
    records new ids.
    """

    windows: dict[Window, None] = field(default_factory=dict)
    steps: dict[Window, None] = field(default_factory=dict)
    begun: dict[int, None] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    expected: dict[Expected, None] = field(default_factory=dict)

    def not_made(self, records: Iterable[CacheRecord]) -> set[str]:
        """The ids of the records that the run can't have made: no step of it ran at that time. Of what was
        made after its last known step, nothing is certain."""
        ended = {step.start for step in self.steps}
        last = max((step.stop for step in self.steps), default=0)
        perhaps_since = min({last, *(self.begun.keys() - ended)})
        return {
            record.id
            for record in records
            if record.created < perhaps_since and not any(step.holds(record.created) for step in self.steps)
        }


_Noted = TypeVar("_Noted", Window, Expected, int)


class OwnRecords:
    """The cache records of one run, recognized by when the engine says its steps ran."""

    def __init__(self, control: Control, run: str, journal: Journal) -> None:
        self._control = control
        self._run = run
        self._journal = journal
        self._known = record_ids(control)
        self._traces = Traces()

    def take(self, status: StatusUpdate) -> None:
        """Note the steps that began, and those that ended."""
        for vertex in status.vertexes:
            if vertex.cached or vertex.started is None:
                continue
            if vertex.completed is None:
                self._note("begun", Window.of(vertex.started, vertex.started).start, self._traces.begun)
                continue
            window = Window.of(vertex.started, vertex.completed)
            self._note("step", window, self._traces.steps)
            if is_first_marker(vertex.name, self._run):
                self._note("window", window, self._traces.windows)
            for each in Expected.of(vertex.name, window):
                self._note("expected", each, self._traces.expected)

    def _note(self, kind: str, what: _Noted, noted: dict[_Noted, None]) -> None:
        if what not in noted:
            noted[what] = None
            self._journal.add(kind, str(what))

    def remove(self, progress: Progress) -> bool:
        """Remove them all; False when some may be left: those that the engine keeps back because they are in
        use, and those that it has under another id by now, as it does once nothing reads them any more."""
        ours = select(self._control.disk_usage(), self._traces, run=self._run, known=self._known)
        return not _prune(self._control, {record.id: record.freed for record in ours}, progress)


def record_ids(control: Control) -> frozenset[str]:
    """The ids of all cache records."""
    return frozenset(record.id for record in control.disk_usage())


def is_anonymous(record: CacheRecord) -> bool:
    """Whether its description says no more than what kind of step made it."""
    return record.description.startswith((_ANONYMOUS, _RUN_RECORD))


def select(
    every: Iterable[CacheRecord], traces: Traces, *, run: str, known: frozenset[str] = frozenset()
) -> list[CacheRecord]:
    """Those of ``every`` record that are of ``run``: those that name it, those that its ``traces`` identify
    (and remember), and all that build on them. ``known`` are records that were there before, never ours."""
    new = {record.id: record for record in every if record.id not in known}
    ours = traces.ids
    ours |= {record.id for record in new.values() if run in record.description}
    _descend(new, ours)
    empty = {record.id for record in new.values() if not record.size}
    beside = _with_ancestors(new, traces.not_made(new.values()))
    markers = empty - beside - _built_meanwhile(new, traces)
    moments = [_made_in(new, window) & markers - traces.others for window in traces.windows]
    _add_certain(new, ours, moments)
    traces.others |= set().union(*moments) - ours
    # Not among the ``ids``, whose descendants are ours: another build can use these, too.
    alone = _built_on_nothing(new, traces, ours)
    return [record for record in new.values() if record.id in ours or record.id in alone]


def _built_on_nothing(records: Mapping[str, CacheRecord], traces: Traces, ours: set[str]) -> set[str]:
    """The ids of the records that were ``expected``. Those that may be somebody else's are noted as such."""
    used = {parent for each in records.values() if each.id not in ours for parent in each.parents}
    made: dict[str, list[CacheRecord]] = {}
    for record in records.values():
        if not record.parents and record.id not in ours:
            made.setdefault(_digest(record.description), []).append(record)
    found: set[str] = set()
    for each in traces.expected:
        ids = {record.id for record in made.get(each.digest, ()) if each.window.holds(record.created)}
        found |= ids
        if len(ids) > 1:
            traces.others |= ids
    traces.others |= found & used
    return found - traces.others


def _add_certain(records: Mapping[str, CacheRecord], ours: set[str], moments: Sequence[set[str]]) -> None:
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


def _with_ancestors(records: Mapping[str, CacheRecord], ids: Iterable[str]) -> set[str]:
    """Those records and all that they were built on."""
    found = set(ids)
    ahead = list(found)
    while ahead:
        parents = [each for each in records[ahead.pop()].parents if each in records and each not in found]
        found.update(parents)
        ahead += parents
    return found


def _built_meanwhile(records: Mapping[str, CacheRecord], traces: Traces) -> set[str]:
    """The records that were built on what some step made since our first one. A first marker is not among
    them: it is built on a base image."""
    first = min((step.start for step in traces.steps), default=0)
    made = {record.id for record in records.values() if record.created >= first and is_anonymous(record)}
    return {record.id for record in records.values() if made.intersection(record.parents)}


def _descend(records: Mapping[str, CacheRecord], ours: set[str]) -> None:
    """Add to ``ours`` what was built on them."""
    while more := {record.id for record in records.values() if ours.intersection(record.parents)} - ours:
        ours |= more


def _made_in(records: Mapping[str, CacheRecord], window: Window) -> set[str]:
    """The ids of the records without a description of their own that were made in ``window``."""
    return {
        record.id
        for record in records.values()
        if record.description == _ANONYMOUS and window.holds(record.created)
    }


def remove(control: Control, records: Mapping[str, int | None], progress: Progress | None = None) -> set[str]:
    """Remove exactly these records, ids with the bytes that each frees; returns those that BuildKit would not
    give up (in use)."""
    left = _prune(control, records, progress or Silent())
    return left & record_ids(control) if left else left


def _prune(control: Control, records: Mapping[str, int | None], progress: Progress) -> set[str]:
    """As :func:`remove`, but returns all of which BuildKit did not say that they are gone."""
    left = set(records)
    told = Removal(progress, "cache records", records)
    for _ in range(_ROUNDS):
        if not left:
            break
        # A record goes only when nothing builds on it, so leaves first, round by round.
        gone = control.prune(left, told)
        left -= gone
        if not gone:
            break
    return left
