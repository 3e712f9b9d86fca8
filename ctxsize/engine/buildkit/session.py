"""The connection of a session: POST ``/session`` turned into HTTP/2, on which the engine calls us.

The engine is the gRPC client. We answer on the connection the Docker SDK opened, with grpclib, from an
event loop in a thread of its own. Protocol: moby/buildkit session/session.go, session/grpc.go; moby
client/session.go.
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

import docker
from grpclib.config import Configuration
from grpclib.const import Cardinality, Handler
from grpclib.protocol import H2Protocol
from grpclib.server import Server
from h2.config import H2Configuration
from h2.settings import SettingCodes

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.bridge import upgraded
from ctxsize.engine.buildkit.errors import ConnectionLost
from ctxsize.engine.buildkit.limits.flood import BoundedProcessor

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from grpclib.server import Handler as ConnectionHandler
    from grpclib.server import Stream

OPEN_TIMEOUT = 30.0
"""Seconds the engine has to answer the request for a session."""
SILENCE_TIMEOUT = 60.0
"""Seconds without a byte from the engine after which the connection counts as lost: BuildKit checks the
health of a session every few seconds (moby/buildkit session/grpc.go, monitorHealth)."""
CLOSE_TIMEOUT = 5.0
"""Seconds a closed session has to end its thread."""
HEADER_LIST_BYTES = 16 * 1024 * 1024
"""Bytes of request headers we accept, as grpc-go does: ignore patterns travel in them."""
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
    """A session with the engine of ``api``, open while the ``with`` block runs.

    ``id`` names it to the build (``id_``, or a random one); ``shared_key`` is what BuildKit keeps received
    directories under: the same key means that only differences are sent. Raises SessionUnavailable when the
    engine offers none, ConnectionLost when it can't be reached.
    """

    def __init__(
        self,
        api: docker.APIClient,
        services: Sequence[Service],
        *,
        name: str,
        shared_key: str,
        id_: str | None = None,
    ) -> None:
        self.id = id_ or uuid.uuid4().hex
        self._api = api
        self._services = services
        self._name = name
        self._shared_key = shared_key
        self._last_received = time.monotonic()
        self._lost = threading.Event()
        self._flooded = ""
        self._closing: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Session:
        sock, early = self._upgrade()
        self._thread = threading.Thread(
            target=self._run, args=(sock, early), name=f"buildkit-session-{self.id[:8]}", daemon=True
        )
        self._thread.start()
        self._ready.wait(OPEN_TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._closing is not None:
            # The loop is already closed when the engine ended the session first.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._closing.set)
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT)

    def check(self) -> None:
        """Raise ConnectionLost when the engine ended the connection, has been silent for SILENCE_TIMEOUT, or
        floods it (see ``limits.flood``)."""
        self.check_flood()
        if self._lost.is_set():
            raise ConnectionLost("the engine closed the build session")
        silent = time.monotonic() - self._last_received
        if silent > SILENCE_TIMEOUT:
            raise ConnectionLost(f"nothing heard from the engine for {silent:.0f} seconds")

    def check_flood(self) -> None:
        """Raise ConnectionLost when the engine has flooded the connection."""
        if self._flooded:
            raise ConnectionLost(self._flooded)

    def _upgrade(self) -> tuple[socket.socket, bytes]:
        """Ask for the session: (the connection, what already arrived on it)."""
        headers = [
            ("X-Docker-Expose-Session-Uuid", self.id),
            ("X-Docker-Expose-Session-Name", self._name),
            ("X-Docker-Expose-Session-Sharedkey", self._shared_key),
        ]
        # The engine wants one header line per method.
        headers += [
            ("X-Docker-Expose-Session-Grpc-Method", method)
            for service in self._services
            for method in service.__mapping__()
        ]
        return upgraded(self._api, "/session", headers, OPEN_TIMEOUT)

    def _run(self, sock: socket.socket, early: bytes) -> None:
        try:
            with asyncio.Runner() as runner:  # without one, nothing is left unawaited
                runner.run(self._serve(sock, early))
        finally:
            self._lost.set()
            self._ready.set()

    async def _serve(self, sock: socket.socket, early: bytes) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = closing = asyncio.Event()
        # What breaks on the connection itself ends it, and is told as that: not as a traceback.
        self._loop.set_exception_handler(lambda _loop, _context: closing.set())
        server = Server(self._services)
        made = server._protocol_factory()
        handler = cast("ConnectionHandler", made.handler)
        protocol = _Connection(handler, made.config, self, closing, early)
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, sock)
        self._ready.set()
        try:
            await closing.wait()
        finally:
            self._lost.set()
            transport.close()
            handler.close()
            await handler.wait_closed()

    def _end_flood(self, why: str) -> None:
        self._flooded = why

    def _heard(self) -> None:
        self._last_received = time.monotonic()


class _Connection(H2Protocol):
    """grpclib's connection; takes what arrived with the upgrade, and tells when it hears and when it ends."""

    def __init__(
        self,
        handler: ConnectionHandler,
        config: Configuration,
        session: Session,
        ended: asyncio.Event,
        early: bytes,
    ) -> None:
        # Older engines put patterns and paths into headers as they are: bytes of any kind, blanks at the
        # ends.
        relaxed = H2Configuration(
            client_side=False, header_encoding="latin-1", validate_inbound_headers=False
        )
        super().__init__(handler, config, relaxed)
        self._session = session
        self._ended = ended
        self._early = early

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)

        def flooded(why: str) -> None:
            self._session._end_flood(why)
            self._ended.set()

        self.processor = BoundedProcessor(self.handler, self.connection, flooded)
        http2 = self.connection._connection
        http2.update_settings({SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_LIST_BYTES})
        self.connection.flush()
        if self._early:
            self.data_received(self._early)

    def data_received(self, data: bytes) -> None:
        self._session._heard()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._ended.set()
