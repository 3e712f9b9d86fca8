"""BuildKit's own account of a build: which steps ran, when, from which cache, and what they said.

It comes as a stream of ``StatusResponse``, in the events of ``/build`` as base64 (``decode_trace``).
``read_status`` reads one piece, ``Trace`` folds them into the whole story.
Message shapes: moby/buildkit api/services/control/control.proto (StatusResponse).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from google.protobuf.message import DecodeError

from ctxsize.engine.buildkit import messages_pb2 as pb

TRACE_ID = "moby.buildkit.trace"
MOST_STEPS = 20_000
MOST_STATUSES = 200_000
"""Pieces of progress, in all steps together: a layer that is pulled is one."""
MOST_RUNS = 1_000
"""Times that one step may have begun anew."""
MOST_WARNINGS = 10_000
MOST_LOG_BYTES = 128 * 1024 * 1024
"""Bytes of output that are kept; BuildKit itself drops what is more than 2 MiB of one step."""
_LOG_LINES_IN_ERROR = 20
_BROKEN_OFF = "context canceled"


@dataclass(frozen=True, slots=True)
class Status:
    """Progress of one part of a step, such as ``transferring context:``.

    ``current`` is in the part's own unit (bytes for transfers); ``completed`` is epoch seconds or None.
    """

    id: str
    vertex: str
    current: int
    completed: float | None


@dataclass(frozen=True, slots=True)
class Vertex:
    """One step of the build graph, as last reported.

    ``runs`` are the (start, end) epoch seconds of each time it ran: a vertex can start more than once.
    ``started`` is the first start, ``completed`` the last end; None while unknown. ``error`` is empty
    unless it failed.
    """

    digest: str
    name: str
    inputs: tuple[str, ...] = ()
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""
    runs: tuple[tuple[float, float], ...] = ()
    statuses: tuple[Status, ...] = ()

    @property
    def seconds(self) -> float | None:
        """Wall seconds the step ran, all its runs added, or None when it did not run to an end."""
        return sum(end - start for start, end in self.runs) if self.runs else None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A piece of a step's output as it came; ``stream`` is 1 for stdout and 2 for stderr."""

    vertex: str
    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """One piece of it; ``warnings`` are the builder's, in its own words."""

    vertexes: tuple[Vertex, ...]
    statuses: tuple[Status, ...]
    logs: tuple[LogLine, ...]
    warnings: tuple[str, ...]


def decode_trace(aux: str) -> pb.StatusResponse:
    """The account in the ``aux`` of one event of ``/build``. Raises ValueError when it is none."""
    try:
        return pb.StatusResponse.FromString(base64.b64decode(aux, validate=True))
    except (binascii.Error, DecodeError) as error:
        raise ValueError(f"not a BuildKit trace: {error}") from error


def read_status(message: pb.StatusResponse) -> StatusUpdate:
    """A piece of the account of a build."""
    return StatusUpdate(
        vertexes=tuple(map(_vertex, message.vertexes)),
        statuses=tuple(Status(s.id, s.vertex, s.current, _when(s, "completed")) for s in message.statuses),
        logs=tuple(LogLine(log.vertex, log.stream, log.msg) for log in message.logs),
        warnings=tuple(warning.short.decode(errors="replace") for warning in message.warnings),
    )


def _when(message: pb.Vertex | pb.VertexStatus, name: str) -> float | None:
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    stamp: pb.Timestamp = getattr(message, name)
    return stamp.seconds + stamp.nanos / 1e9


def _vertex(v: pb.Vertex) -> Vertex:
    started, completed = _when(v, "started"), _when(v, "completed")
    runs = ((started, completed),) if started is not None and completed is not None else ()
    return Vertex(v.digest, v.name, tuple(v.inputs), v.cached, started, completed, v.error, runs)


@dataclass(slots=True)
class Trace:
    """Folds updates, in the order they came, into vertices, log and warnings."""

    on_update: Callable[[StatusUpdate], None] | None = None
    log: list[LogLine] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _vertices: dict[str, Vertex] = field(default_factory=dict)
    _statuses: dict[str, dict[str, Status]] = field(default_factory=dict)
    _status_count: int = 0
    _log_bytes: int = 0

    def check(self, update: StatusUpdate) -> None:
        """Raise ValueError when ``update`` makes the account larger than that of any build."""
        steps = len(self._vertices) + sum(each.digest not in self._vertices for each in update.vertexes)
        if steps > MOST_STEPS:
            raise ValueError(f"it has more than {MOST_STEPS} steps")
        if self._status_count > MOST_STATUSES:
            raise ValueError(f"it has more than {MOST_STATUSES} pieces of progress")
        known = (self._vertices[each.digest] for each in update.vertexes if each.digest in self._vertices)
        if any(len(each.runs) >= MOST_RUNS for each in known):
            raise ValueError(f"a step of it began more than {MOST_RUNS} times")
        if len(self.warnings) + len(update.warnings) > MOST_WARNINGS:
            raise ValueError(f"it has more than {MOST_WARNINGS} warnings")

    def add(self, update: StatusUpdate) -> None:
        """Take one update in; later reports of a vertex replace earlier ones but keep its finished runs."""
        for new in update.vertexes:
            old = self._vertices.get(new.digest)
            if old is not None:
                runs = old.runs if not new.runs or new.runs[0] in old.runs else old.runs + new.runs
                first = [t for t in (old.started, new.started) if t is not None]
                last = [t for t in (old.completed, new.completed) if t is not None]
                new = replace(
                    new,
                    runs=runs,
                    started=min(first, default=None),
                    completed=max(last, default=None),
                    cached=old.cached or new.cached,
                    error=new.error or old.error,
                )
            self._vertices[new.digest] = new
        for status in update.statuses:
            of_vertex = self._statuses.setdefault(status.vertex, {})
            self._status_count += status.id not in of_vertex
            of_vertex[status.id] = status
        for piece in update.logs:
            self._log_bytes += len(piece.data)
            if self._log_bytes <= MOST_LOG_BYTES:
                self.log.append(piece)
        self.warnings.extend(update.warnings)
        if self.on_update is not None:
            self.on_update(update)

    @property
    def vertices(self) -> tuple[Vertex, ...]:
        """All vertices, in the order they were first reported, with their statuses."""
        return tuple(
            replace(v, statuses=tuple(self._statuses.get(v.digest, {}).values()))
            for v in self._vertices.values()
        )

    def failure(self) -> tuple[str | None, tuple[str, ...]]:
        """The name of the step that failed, None when none did, and the last lines it wrote."""
        errors = [vertex for vertex in self._vertices.values() if vertex.error]
        if not errors:
            return None, ()
        # The engine breaks off what else is at work.
        failed = next((vertex for vertex in errors if _BROKEN_OFF not in vertex.error), errors[0])
        return failed.name, tuple(self.log_lines(failed.digest)[-_LOG_LINES_IN_ERROR:])

    def log_lines(self, vertex: str | None = None) -> list[str]:
        """The output as text lines, of one vertex (by digest) or of all in the order it came."""
        texts: list[str] = []
        rest: dict[tuple[str, int], bytes] = {}
        for piece in self.log:
            if vertex is not None and piece.vertex != vertex:
                continue
            key = (piece.vertex, piece.stream)
            *whole, tail = (rest.pop(key, b"") + piece.data).split(b"\n")
            texts.extend(line.decode(errors="replace").rstrip("\r") for line in whole)
            if tail:
                rest[key] = tail
        texts.extend(line.decode(errors="replace") for line in rest.values())
        return texts
