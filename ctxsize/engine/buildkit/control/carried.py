"""A connection inside a call: the bytes of a build session travel as messages of ``Control.Session``.

BuildKit's own client does the same (moby/buildkit session/grpchijack).
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import grpclib.client

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.control.channel import Channel
from ctxsize.engine.buildkit.session import Session

MOST_WAITING = 1024 * 1024
"""Bytes that wait to be sent, beyond which the session is asked to pause."""
#: What stands before the data of a BytesMessage: gRPC's prefix, and the field's tag.
_PREFIX = struct.Struct(">BIB")
_TAG = 0x0A


async def carry(channel: Channel, session: Session) -> None:
    """Have BuildKit use ``session`` until either side ends it. Raises what a call raises."""
    async with channel.call("Session", pb.BytesMessage, pb.BytesMessage, session.metadata()) as stream:
        await stream.send_request()
        protocol = session.connection()
        transport = _Carried(stream, protocol)
        protocol.connection_made(transport)
        sending = asyncio.create_task(transport.send())
        receiving = asyncio.create_task(transport.receive())
        try:
            done, _ = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await stream.cancel()
        finally:
            sending.cancel()
            receiving.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            transport.closed = True
            protocol.connection_lost(None)
            await session.ended()


class _Carried(asyncio.Transport):
    """What a protocol takes for its connection."""

    def __init__(self, stream: grpclib.client.Stream[Any, Any], protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._stream = stream
        self._protocol = protocol
        self._waiting: list[bytes] = []
        self._size = 0
        self._paused = False
        self._something = asyncio.Event()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            return
        self._waiting.append(bytes(data))
        self._size += len(data)
        self._something.set()
        if self._size > MOST_WAITING and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def close(self) -> None:
        self.closed = True
        self._something.set()

    def is_closing(self) -> bool:
        return self.closed

    async def send(self) -> None:
        """Send what is written, until it is closed."""
        while self._waiting or not self.closed:
            if not self._waiting:
                self._something.clear()
                await self._something.wait()
                continue
            data, self._waiting, self._size = b"".join(self._waiting), [], 0
            if self._paused:
                self._paused = False
                self._protocol.resume_writing()
            length = _varint(len(data))
            head = _PREFIX.pack(0, 1 + len(length) + len(data), _TAG)
            await self._stream._stream.send_data(b"".join((head, length, data)))

    async def receive(self) -> None:
        """Hand on what comes, until it ends."""
        async for message in self._stream:
            self._protocol.data_received(message.data)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
