"""A gRPC channel on one connection that somebody else opens. grpclib does the rest."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import grpclib.client
from grpclib.const import Cardinality
from grpclib.encoding.proto import ProtoCodec
from grpclib.protocol import H2Protocol

from ctxsize.engine.buildkit.control.loop import CLOSE_TIMEOUT, Call, Loop
from ctxsize.engine.buildkit.errors import ConnectionLost
from ctxsize.engine.buildkit.limits.flood import BoundedProtocol
from ctxsize.engine.buildkit.tls import Secured

Dial = Callable[[], tuple[socket.socket | Secured, bytes]]
"""Opens a connection on which BuildKit serves its API as gRPC: a non-blocking socket, with TLS or
without, and what already arrived on it. Raises BuildKitError."""

_CONTROL = "/moby.buildkit.v1.Control/"
_Result = TypeVar("_Result")


class Channel(grpclib.client.Channel):
    """grpclib's channel on a connection that is given to it."""

    def __init__(self) -> None:
        super().__init__("buildkit", 0, codec=ProtoCodec())

    @property
    def lives(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connected

    @classmethod
    async def on(cls, sock: socket.socket | Secured, early: bytes) -> Channel:
        """One on the connection ``sock``; ``early`` is what already arrived on it."""
        channel = cls()
        channel._protocol = protocol = channel._protocol_factory()
        loop = asyncio.get_running_loop()
        if isinstance(sock, Secured):
            await loop.create_connection(lambda: sock.below(protocol), sock=sock.sock)
        else:
            await loop.create_connection(lambda: protocol, sock=sock)
        if early:
            protocol.data_received(early)
        return channel

    def _protocol_factory(self) -> H2Protocol:
        return BoundedProtocol(grpclib.client.Handler(), self._config, self._h2_config)

    async def _create_connection(self) -> H2Protocol:
        raise ConnectionLost("the connection to BuildKit broke")

    def call(
        self, method: str, request: type[Any], answer: type[Any], metadata: Any = None
    ) -> grpclib.client.Stream[Any, Any]:
        """A call of the Control API; both sides may send any number of messages."""
        return self.request(_CONTROL + method, Cardinality.STREAM_STREAM, request, answer, metadata=metadata)


class Link:
    """A Channel that is opened when it is needed, in a loop of its own until it is closed."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._lock = threading.Lock()
        self.loop = Loop("buildkit-control")
        self._channel: Channel | None = None

    def begin(self, work: Callable[[Channel], Coroutine[Any, Any, _Result]]) -> Call[_Result]:
        """Have ``work`` done with the channel. Raises BuildKitError when there is no connection."""
        with self._lock:
            if self._channel is None or not self._channel.lives:
                sock, early = self._dial()
                self._channel = self.loop.begin(Channel.on(sock, early)).result(CLOSE_TIMEOUT)
            return self.loop.begin(work(self._channel))

    def close(self) -> None:
        """End all calls, the connection and the loop. Another call opens them anew."""
        with self._lock:
            if self._channel is not None:
                self.loop.begin(_close(self._channel)).result(CLOSE_TIMEOUT)
                self._channel = None
            self.loop.close()


async def _close(channel: Channel) -> None:
    channel.close()
