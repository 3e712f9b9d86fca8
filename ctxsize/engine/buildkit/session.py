"""A build session: a connection on which BuildKit is the gRPC client and calls us.

grpclib answers, in the event loop of whoever has the connection: carried in a call of the Control API
(``control.carried``), or a socket of its own (``fallback``). Protocol: moby/buildkit session/session.go,
session/grpc.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from grpclib.config import Configuration
from grpclib.const import Cardinality, Handler
from grpclib.server import Server
from h2.config import H2Configuration

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.errors import ConnectionLost
from ctxsize.engine.buildkit.limits.flood import BoundedProtocol

if TYPE_CHECKING:
    from grpclib.server import Handler as ConnectionHandler
    from grpclib.server import Stream

OPEN_TIMEOUT = 30.0
"""Seconds BuildKit has to take a session, and then to begin to talk."""
SILENCE_TIMEOUT = 60.0
"""Seconds without a byte from the engine after which the connection counts as lost: BuildKit checks the
health of a session every few seconds (moby/buildkit session/grpc.go, monitorHealth)."""
MOST_BYTES = 256 * 1024 * 1024
"""Bytes of content that BuildKit may send, in all calls together; beyond these, one for each 64 that we sent,
and what it was asked for."""
_SERVING = 1
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
# grpclib logs the traceback of what a handler raises, such as a packet that can't be decoded; without a
# handler of the program's own that would go to the terminal.
logging.getLogger("grpclib").addHandler(logging.NullHandler())


class Service(Protocol):
    """A gRPC service: its methods by full path."""

    def __mapping__(self) -> Mapping[str, Handler]: ...


def unary(
    path: str,
    answer: Callable[[_Request], Awaitable[_Response]],
    request: type[_Request],
    response: type[_Response],
) -> dict[str, Handler]:
    """The entry of ``__mapping__`` for a method that takes one message and answers with one."""

    async def handle(stream: Stream[_Request, _Response]) -> None:
        message = await stream.recv_message()
        assert message is not None
        await stream.send_message(await answer(message))

    return {path: Handler(handle, Cardinality.UNARY_UNARY, request, response)}


class Health:
    """``grpc.health.v1.Health/Check``: BuildKit asks every few seconds whether the session still answers."""

    def __mapping__(self) -> dict[str, Handler]:
        path = "/grpc.health.v1.Health/Check"
        return unary(path, self._check, pb.HealthCheckRequest, pb.HealthCheckResponse)

    async def _check(self, _: pb.HealthCheckRequest) -> pb.HealthCheckResponse:
        return pb.HealthCheckResponse(status=_SERVING)


class Session:
    """A session, to be opened with ``Control.serving``.

    ``id`` names it to the build (``id_``, or a random one); ``shared_key`` is what BuildKit keeps received
    directories under: the same key means that only differences are sent. ``wanted`` counts bytes that
    BuildKit was asked for: they are no flood. ``opened`` is set when BuildKit begins to talk.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        name: str,
        shared_key: str,
        id_: str | None = None,
        wanted: Callable[[], int] = int,
    ) -> None:
        self.id = id_ or uuid.uuid4().hex
        self.opened = threading.Event()
        self._services = services
        self._name = name
        self._shared_key = shared_key
        self._wanted = wanted
        self._last_received = time.monotonic()
        self._lost = False
        self._flooded = ""
        self._connection: _Connection | None = None

    def metadata(self) -> list[tuple[str, str]]:
        """What BuildKit is told of it, by the names of HTTP headers or of gRPC's metadata."""
        methods = [method for service in self._services for method in service.__mapping__()]
        prefix = "x-docker-expose-session-"
        return [
            (f"{prefix}uuid", self.id),
            (f"{prefix}name", self._name),
            (f"{prefix}sharedkey", self._shared_key),
            *((f"{prefix}grpc-method", method) for method in methods),
        ]

    def connection(self) -> asyncio.Protocol:
        """What answers on its connection. To be called in the event loop that has the connection."""
        server = Server(self._services)
        made = server._protocol_factory()
        self._connection = _Connection(cast("ConnectionHandler", made.handler), made.config, self)
        return self._connection

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.end()

    async def ended(self) -> None:
        """Wait until the connection has ended and nothing of it is at work any more."""
        if self._connection is not None:
            await self._connection.ended()

    def check(self) -> None:
        """Raise ConnectionLost when BuildKit ended the connection, has been silent for SILENCE_TIMEOUT, or
        floods it (see ``limits.flood``)."""
        self.check_flood()
        if self._lost:
            raise ConnectionLost("the engine closed the build session")
        silent = time.monotonic() - self._last_received
        if silent > SILENCE_TIMEOUT:
            raise ConnectionLost(f"nothing heard from the engine for {silent:.0f} seconds")

    def check_flood(self) -> None:
        """Raise ConnectionLost when BuildKit has flooded the connection."""
        if self._flooded:
            raise ConnectionLost(self._flooded)

    def _heard(self) -> None:
        self._last_received = time.monotonic()
        self.opened.set()


async def serve(session: Session, sock: socket.socket, early: bytes) -> None:
    """Serve ``session`` on a socket of its own until it ends; ``early`` is what already arrived on it."""
    protocol = session.connection()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, sock)
    try:
        if early:
            protocol.data_received(early)
        await session.ended()
    finally:
        transport.close()


class _Connection(BoundedProtocol):
    """grpclib's connection, which tells its session when it hears and when it ends."""

    def __init__(self, handler: ConnectionHandler, config: Configuration, session: Session) -> None:
        # Older engines put patterns and paths into headers as they are: bytes of any kind, blanks at the
        # ends.
        relaxed = H2Configuration(
            client_side=False, header_encoding="latin-1", validate_inbound_headers=False
        )
        super().__init__(handler, config, relaxed)
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._session._heard()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._session._lost = True
        super().connection_lost(exc)
        self._lost.set()

    def flooded(self, why: str) -> None:
        self._session._flooded = why
        super().flooded(why)

    def most_content(self) -> float:
        return MOST_BYTES + self._session._wanted() + self.connection.data_sent // 64

    def end(self) -> None:
        """End it, from any thread."""
        # There is none yet, or BuildKit has ended it, and the loop is closed.
        with contextlib.suppress(AttributeError, RuntimeError):
            self._loop.call_soon_threadsafe(self.transport.close)

    async def ended(self) -> None:
        """Wait until it has ended, and what it called too."""
        await self._lost.wait()
        await cast("ConnectionHandler", self.handler).wait_closed()
