"""Bounds on what a peer may do on an HTTP/2 connection: each frame costs it a few bytes, and us a task or an
answer. BuildKit checks our health every few seconds, asks for directories, logins and secrets, and measures
the connection with a ping for each frame of ours at most; no build comes near these bounds."""

from __future__ import annotations

import math
from asyncio import BaseTransport
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from grpclib.exceptions import ProtocolError
from grpclib.protocol import EventsProcessor
from h2.events import (
    DataReceived,
    Event,
    PingReceived,
    PriorityUpdated,
    RemoteSettingsChanged,
    RequestReceived,
    StreamReset,
)
from h2.settings import SettingCodes

from ctxsize.engine.buildkit.frames import MOST_MESSAGE_BYTES, BulkProtocol

if TYPE_CHECKING:
    from grpclib.protocol import Stream

MOST_CALLS = 100_000
"""Calls on one connection."""
MOST_RESETS = 1_000
"""Calls that are broken off ("rapid reset"), and settings and priorities that are changed."""
MOST_PINGS = 10_000
"""Pings, and frames without content; beyond these, one for each KiB that we sent."""
MOST_HEADER_BYTES = 256 * 1024 * 1024
"""Bytes of headers, unpacked, in all calls together."""
HEADER_LIST_BYTES = 16 * 1024 * 1024
"""Bytes of the headers of one call, as in grpc-go: ignore patterns travel in them, and with an error the
whole Dockerfile."""


class BoundedProtocol(BulkProtocol):
    """grpclib's end of a connection whose peer keeps within the bounds."""

    transport: BaseTransport

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection."""
        super().connection_made(transport)
        self.transport = transport
        self.processor = _Processor(self)
        self.connection._connection.update_settings({SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_LIST_BYTES})
        self.connection.flush()

    def flooded(self, why: str) -> None:
        """End the connection: the peer has broken a bound. Called once."""
        self.transport.close()

    def most_content(self) -> float:
        """Bytes of content that the peer may have sent by now."""
        return math.inf


class _Processor(EventsProcessor):
    """Takes the events of a connection until one of the bounds is broken, and no more."""

    def __init__(self, protocol: BoundedProtocol) -> None:
        super().__init__(protocol.handler, protocol.connection)
        self._protocol = protocol
        self._counts: Counter[str] = Counter()
        self._over = False

    def register(self, stream: Stream) -> Callable[[], None]:
        """Take a stream, whose messages are then bounded."""
        receive = stream.recv_data

        async def receive_bounded(size: int) -> bytes:
            if size > MOST_MESSAGE_BYTES:
                raise ProtocolError(f"a message of {size} bytes")
            return await receive(size)

        stream.recv_data = receive_bounded  # type: ignore[method-assign]
        return super().register(stream)

    def process(self, event: Event) -> None:
        """Take one event."""
        if self._over:
            return
        broken = self._broken(event)
        if broken is None:
            super().process(event)
            return
        self._over = True
        self._protocol.flooded(f"the engine floods the connection: more than {broken}")

    def _broken(self, event: Event) -> str | None:
        """The bound that ``event`` breaks, or None."""
        sent = self.connection.data_sent
        if isinstance(event, RequestReceived):
            size = sum(len(name) + len(value) for name, value in event.headers or ())
            return self._count("calls", 1, MOST_CALLS) or self._count(
                "bytes of headers", size, MOST_HEADER_BYTES
            )
        if isinstance(event, StreamReset):
            return self._count("calls that it breaks off", 1, MOST_RESETS)
        if isinstance(event, RemoteSettingsChanged | PriorityUpdated):
            return self._count("changes of settings", 1, MOST_RESETS)
        if isinstance(event, DataReceived) and event.data:
            return self._count("bytes", len(event.data), self._protocol.most_content())
        if isinstance(event, PingReceived | DataReceived):
            return self._count("pings", 1, MOST_PINGS + sent // 1024)
        return None

    def _count(self, what: str, number: int, most: float) -> str | None:
        self._counts[what] += number
        return f"{most} {what}" if self._counts[what] > most else None
