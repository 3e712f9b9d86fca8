"""TLS in the event loop that has the connection.

A thread that stood in between would contend with the loop for the interpreter at every block.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from asyncio import BaseTransport
from collections.abc import Callable
from typing import Any, TypeVar, cast

_BLOCK = 256 * 1024
_Result = TypeVar("_Result")


class Secured:
    """A connection with TLS, on ``sock``. It is used as a blocking one first, then in an event loop.

    ``settimeout`` of ``sock`` holds until it is in the loop.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, servername: str) -> None:
        """Shake hands. Raises OSError."""
        self.sock = sock
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=servername)
        self._ask(self._tls.do_handshake)

    def read(self) -> bytes:
        """What comes next, all of it; nothing at the end. Raises OSError."""
        found = b""
        with contextlib.suppress(ssl.SSLEOFError, ssl.SSLWantReadError):
            found = self._ask(lambda: self._tls.read(_BLOCK))
            while piece := self._tls.read(_BLOCK):
                found += piece
        return found

    def below(self, protocol: asyncio.Protocol) -> asyncio.Protocol:
        """The protocol of ``sock`` in an event loop, with ``protocol`` over it."""
        return _Layer(self._tls, self._arrived, self._leaving, protocol)

    def _ask(self, work: Callable[[], _Result]) -> _Result:
        while True:
            try:
                return work()
            except ssl.SSLWantReadError:
                pass
            finally:
                if self._leaving.pending:
                    self.sock.sendall(self._leaving.read())
            if piece := self.sock.recv(_BLOCK):
                self._arrived.write(piece)
            else:
                self._arrived.write_eof()


class _Layer(asyncio.Protocol, asyncio.Transport):
    """A protocol for the connection below, and what the one above takes for its connection."""

    def __init__(
        self, tls: ssl.SSLObject, arrived: ssl.MemoryBIO, leaving: ssl.MemoryBIO, above: asyncio.Protocol
    ) -> None:
        super().__init__()
        self._tls, self._arrived, self._leaving = tls, arrived, leaving
        self._above = above

    def connection_made(self, transport: BaseTransport) -> None:
        self._below = cast(asyncio.Transport, transport)
        self._above.connection_made(self)

    def data_received(self, data: bytes) -> None:
        self._arrived.write(data)
        try:
            while piece := self._tls.read(_BLOCK):
                self._above.data_received(piece)
            self._below.close()
        except ssl.SSLWantReadError:
            self._send()
        except ssl.SSLError:
            self._below.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._above.connection_lost(exc)

    def pause_writing(self) -> None:
        self._above.pause_writing()

    def resume_writing(self) -> None:
        self._above.resume_writing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._below.is_closing():
            self._tls.write(data)
            self._send()

    def close(self) -> None:
        self._below.close()

    def is_closing(self) -> bool:
        return self._below.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._below.get_extra_info(name, default)

    def _send(self) -> None:
        if self._leaving.pending:
            self._below.write(self._leaving.read())
