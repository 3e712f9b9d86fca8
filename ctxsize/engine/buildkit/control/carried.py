"""A connection inside a call: the bytes of a build session travel as messages of ``Control.Session``.

BuildKit's own client does the same (moby/buildkit session/grpchijack).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import grpclib.client

from ctxsize.engine.buildkit import frames
from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.control.channel import Channel
from ctxsize.engine.buildkit.frames import head_of
from ctxsize.engine.buildkit.session import Session

MOST_WAITING = 1024 * 1024
"""Bytes that wait to be sent, beyond which the session is asked to pause."""
BYTES_PER_MESSAGE = 32 * 1024
"""BuildKit hands a message on when it has all of it: larger ones keep it waiting."""


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
        self._received: list[bytes] = []
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
            await frames.send(self._stream._stream, b"".join(_messages(data)))

    async def receive(self) -> None:
        """Hand on what comes, until it ends: all at once that is there, as fewer pieces cost less."""
        await self._stream.recv_initial_metadata()
        with self._stream._wrapper:  # it ends the waiting when the call breaks off
            async for message in frames.messages(self._stream._stream, pb.BytesMessage):
                if not self._received:
                    asyncio.get_running_loop().call_soon(self._hand_on)
                self._received.append(message.data)
        self._hand_on()

    def _hand_on(self) -> None:
        data, self._received = b"".join(self._received), []
        if data and not self.closed:
            self._protocol.data_received(data)


def _messages(data: bytes) -> Iterator[bytes | memoryview]:
    """``data`` as framed BytesMessages."""
    for start in range(0, len(data), BYTES_PER_MESSAGE):
        piece = memoryview(data)[start : start + BYTES_PER_MESSAGE]
        yield _head(len(piece))
        yield piece


@lru_cache(maxsize=64)
def _head(length: int) -> bytes:
    """What comes before so many bytes in a framed BytesMessage."""
    return head_of(pb.BytesMessage(data=bytes(length)), length)
