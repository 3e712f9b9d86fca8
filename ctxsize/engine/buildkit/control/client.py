"""What BuildKit does for us by its Control API (moby/buildkit api/services/control/control.proto)."""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import socket
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.control.carried import carry
from ctxsize.engine.buildkit.control.channel import Channel, Dial, Link
from ctxsize.engine.buildkit.control.loop import Call, Refused
from ctxsize.engine.buildkit.errors import ConnectionLost, SessionUnavailable
from ctxsize.engine.buildkit.limits.answers import POLL, follow
from ctxsize.engine.buildkit.session import OPEN_TIMEOUT, Session, serve

SessionDial = Callable[[Sequence[tuple[str, str]]], tuple[socket.socket, bytes]]
"""Opens a connection on which BuildKit calls a session that has such metadata: a non-blocking socket, and
what already arrived on it. Raises SessionUnavailable where there is no such way."""

ANSWER_TIMEOUT = 30.0
"""Seconds that BuildKit has for an answer."""
USAGE_TIMEOUT = 600.0
"""Seconds for what it may have to add up, or to remove from its disk."""
_MOMENT = 0.02
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of an answer that consists of several messages: a thousand builds of the history take two MiB."""


_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class CacheRecord:
    """One record of a build cache. ``created`` is in nanoseconds since the epoch; ``size`` in bytes, of which
    none would be freed when it is ``shared`` with an image."""

    id: str
    description: str
    parents: tuple[str, ...]
    created: int
    size: int
    shared: bool

    @property
    def freed(self) -> int:
        """The bytes that its removal frees."""
        return 0 if self.shared else self.size


@dataclass(frozen=True, slots=True)
class Worker:
    """What runs builds. ``version`` is BuildKit's, empty where an older one does not say; ``platforms`` are
    written ``linux/arm64/v8``."""

    id: str
    labels: Mapping[str, str]
    platforms: tuple[str, ...]
    version: str


class Control:
    """BuildKit behind ``dial``. It connects when it is first needed, and anew after a connection has broken.

    All methods block and may be called from any thread. They raise Refused for what BuildKit says instead of
    doing it, ConnectionLost when it can't be reached or does not answer, and what ``dial`` raises.
    """

    leaves_history = False
    """Whether a history of builds keeps those that are said to be internal."""

    def __init__(self, dial: Dial, session_dial: SessionDial | None = None) -> None:
        """``session_dial`` opens connections for sessions, where there is a quicker way than the API."""
        self._link = Link(dial)
        self._session_dial = session_dial

    def close(self) -> None:
        """End the connection. It is opened anew when it is needed again."""
        self._link.close()

    @contextlib.contextmanager
    def serving(self, session: Session) -> Iterator[None]:
        """Have BuildKit use ``session`` meanwhile."""
        call = self._begin(session)
        try:
            yield
        finally:
            session.close()
            call.stop()

    def _begin(self, session: Session) -> Call[None]:
        refused: SessionUnavailable | None = None
        if self._session_dial is not None:
            try:
                return self._link.loop.begin(serve(session, *self._session_dial(session.metadata())))
            except SessionUnavailable as error:
                refused = error
        try:
            call = self._link.begin(lambda channel: carry(channel, session))
        except SessionUnavailable as error:
            raise refused or error from None
        try:
            _wait_until_open(session, call)
        except BaseException:
            call.stop()
            raise
        return call

    def solve(
        self,
        request: pb.SolveRequest,
        take: Callable[[pb.StatusResponse], None],
        check: Callable[[], None] = lambda: None,
    ) -> dict[str, str]:
        """Build: what the exporter answers. ``take`` gets the account of the build as it comes, ``check`` is
        called now and then, both in this thread; when they raise, the build is cancelled."""
        return self._follow(lambda channel, put: _solve(channel, request, put), take, check)

    def disk_usage(self) -> list[CacheRecord]:
        """All records of the build cache."""
        answer = self._ask_one("DiskUsage", pb.DiskUsageRequest(), pb.DiskUsageResponse, USAGE_TIMEOUT)
        return [_record(each) for each in answer.record]

    def prune(self, ids: Iterable[str], told: Callable[[str], None] = lambda _id: None) -> set[str]:
        """Remove the records with these ids on which nothing builds: the ids of those it did remove. ``told``
        is called with each as it goes, in this thread."""
        # Any of these may be meant. One expression for all would be compiled anew for each record there is.
        filters = [f"id=={each}" for each in sorted(ids)]
        if not filters:  # with none, all would go
            return set()
        request = pb.PruneRequest(filter=filters, all=True)
        gone = self._follow(
            lambda channel, put: _call(channel, "Prune", request, pb.UsageRecord, put),
            lambda record: told(record.id),
            silence=USAGE_TIMEOUT,
        )
        return {record.id for record in gone}

    def workers(self) -> list[Worker]:
        """What runs its builds."""
        answer = self._ask_one("ListWorkers", pb.ListWorkersRequest(), pb.ListWorkersResponse)
        return [_worker(each) for each in answer.record]

    def past_builds(self) -> dict[str, dict[str, str]]:
        """The builds it remembers, ended ones and those at work: by their refs the options of the frontend
        (``target``, ``label:NAME``, …). None before BuildKit 0.11."""
        request = pb.BuildHistoryRequest(early_exit=True)
        try:
            events = self._ask("ListenBuildHistory", request, pb.BuildHistoryEvent)
        except Refused as refused:
            if refused.status is Status.UNIMPLEMENTED:
                return {}
            raise
        # A build is told of twice when it begins or ends meanwhile.
        return {event.record.ref: dict(event.record.frontend_attrs) for event in events}

    def forget(self, ref: str) -> None:
        """Take a build out of the history; Refused for one that is at work."""
        request = pb.UpdateBuildHistoryRequest(ref=ref, delete=True)
        self._ask("UpdateBuildHistory", request, pb.UpdateBuildHistoryResponse)

    def _follow(
        self,
        work: Callable[[Channel, Callable[[Any], None]], Coroutine[Any, Any, _Answer]],
        take: Callable[[Any], None],
        check: Callable[[], None] = lambda: None,
        silence: float = math.inf,
    ) -> _Answer:
        """What ``work`` returns. ``take`` gets, in this thread, what it puts meanwhile; see ``follow``."""
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()

        async def whole(channel: Channel) -> _Answer:
            try:
                return await work(channel, events.put)
            finally:
                events.put(None)

        call = self._link.begin(whole)
        try:
            for event in follow(events, check, silence):
                take(event)
            return call.result()
        finally:
            call.stop()

    def _ask(self, method: str, request: Any, answer: type[Any], seconds: float | None = None) -> list[Any]:
        call = self._link.begin(lambda channel: _call(channel, method, request, answer))
        return call.result(seconds or ANSWER_TIMEOUT)

    def _ask_one(
        self, method: str, request: Any, answer: type[_Answer], seconds: float | None = None
    ) -> _Answer:
        answers = self._ask(method, request, answer, seconds)
        if len(answers) != 1:
            raise ConnectionLost(f"BuildKit gave {len(answers)} answers to {method}")
        (found,) = answers
        return found  # type: ignore[no-any-return]


def _wait_until_open(session: Session, call: Call[None]) -> None:
    deadline = time.monotonic() + OPEN_TIMEOUT
    while not session.opened.wait(_MOMENT):
        try:
            if call.has_ended:
                call.result()
        except Refused as refused:
            raise SessionUnavailable(f"BuildKit takes no session: {refused}") from refused
        if call.has_ended or time.monotonic() > deadline:
            raise SessionUnavailable("BuildKit does not use the session that it was offered")


async def _call(
    channel: Channel,
    method: str,
    request: Any,
    answer: type[Any],
    put: Callable[[Any], None] = lambda _message: None,
) -> list[Any]:
    """All messages of the answer; ``put`` gets each as it comes."""
    found: list[Any] = []
    size = 0
    async with channel.call(method, type(request), answer) as stream:
        await stream.send_message(request, end=True)
        async for message in stream:
            found.append(message)
            size += message.ByteSize()
            if size > MOST_BYTES:
                raise OSError(f"its answer has more than {MOST_BYTES >> 20} MiB")
            put(message)
    return found


async def _solve(
    channel: Channel, request: pb.SolveRequest, put: Callable[[pb.StatusResponse], None]
) -> dict[str, str]:
    """Build; ``put`` gets the account of it as it comes."""

    async def follow() -> None:
        async with channel.call("Status", pb.StatusRequest, pb.StatusResponse) as stream:
            await stream.send_message(pb.StatusRequest(ref=request.ref), end=True)
            async for message in stream:
                put(message)

    following = asyncio.create_task(follow())
    try:
        answers = await _call(channel, "Solve", request, pb.SolveResponse)
        await asyncio.wait_for(following, ANSWER_TIMEOUT)
        return {key: value for answer in answers for key, value in answer.exporter_response.items()}
    except GRPCError:
        # Its account ends soon too; of a build that fails at once there is none.
        await asyncio.wait({following}, timeout=POLL)
        raise
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _record(each: pb.UsageRecord) -> CacheRecord:
    parents = [*each.parents, *filter(None, [each.parent])]
    created = each.created_at.seconds * 1_000_000_000 + each.created_at.nanos
    return CacheRecord(each.id, each.description, tuple(parents), created, each.size, each.shared)


def _worker(each: pb.WorkerRecord) -> Worker:
    platforms = ("/".join(filter(None, [p.os, p.architecture, p.variant])) for p in each.platforms)
    return Worker(each.id, dict(each.labels), tuple(platforms), each.buildkit_version.version)
