"""A second client of the engine that speaks BuildKit's own API (``POST /grpc``), in which a build may name
any session and ask it for anything: moby/buildkit api/services/control/control.proto, solver/pb/ops.proto."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import uuid
from collections.abc import Mapping
from typing import Any

from grpclib.client import Channel
from grpclib.const import Cardinality
from grpclib.exceptions import GRPCError

SECONDS = 15


class Refused(Exception):
    """What BuildKit said instead of doing it."""


class Control:
    """BuildKit behind the Docker engine at ``host``, a Unix socket."""

    def __init__(self, host: str) -> None:
        self._path = host.removeprefix("unix://")

    def fetch(self, name: str, session: str, attributes: Mapping[str, str] | None = None) -> None:
        """Have BuildKit fetch the directory ``name`` from ``session``; ``attributes`` are those of a local
        source (``local.includepattern``, …). Raises Refused."""
        # "local.unique": nothing that was fetched before answers in its place.
        wanted = {"local.unique": uuid.uuid4().hex, **(attributes or {})}
        pairs = b"".join(_field(2, _field(1, key) + _field(2, value)) for key, value in wanted.items())
        source = _field(3, _field(1, f"local://{name}") + pairs)
        last = _field(1, _field(1, f"sha256:{hashlib.sha256(source).hexdigest()}"))
        definition = _field(1, source) + _field(1, last)
        self.ask("Solve", _field(1, uuid.uuid4().hex) + _field(2, definition) + _field(5, session))

    def ask(self, method: str, request: bytes = b"", seconds: float = SECONDS) -> bytes:
        """All that ``method`` answers within ``seconds``. Raises Refused."""
        return asyncio.run(self._ask(f"/moby.buildkit.v1.Control/{method}", request, seconds))

    async def _ask(self, method: str, request: bytes, seconds: float) -> bytes:
        channel = _Upgraded(self._path)
        answer = b""
        try:
            async with channel.request(
                method, Cardinality.UNARY_STREAM, bytes, bytes, timeout=seconds
            ) as stream:
                await stream.send_message(request, end=True)
                while (message := await stream.recv_message()) is not None:
                    answer += message
        except TimeoutError:
            pass
        except GRPCError as error:
            raise Refused(error.message) from error
        finally:
            channel.close()
        return answer


class _Raw:
    """Messages as the bytes they are."""

    __content_subtype__ = "proto"

    def encode(self, message: bytes, _type: object) -> bytes:
        return message

    def decode(self, data: bytes, _type: object) -> bytes:
        return data


class _Upgraded(Channel):
    """A channel over an upgraded HTTP connection."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", 1, codec=_Raw())  # type: ignore[arg-type]
        self._socket_path = path

    async def _create_connection(self) -> Any:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(SECONDS)
        sock.connect(self._socket_path)
        sock.sendall(b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (byte := sock.recv(1)):
                raise ConnectionError(f"the engine offers no /grpc: {head!r}")
            head += byte
        assert b" 101 " in head, head
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(self._protocol_factory, sock=sock))[1]


def _field(number: int, value: str | bytes) -> bytes:
    """A field of a protobuf message that has a length."""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
