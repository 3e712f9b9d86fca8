"""Shortcuts for a great many messages and HTTP/2 frames.

gRPC's messages are framed by hand where grpclib would copy the content once more. h2 makes and reads each
frame in some fifty microseconds: data is sent in many at once, and window updates that come in a row are
added up. BuildKit in an engine gives two of these for each few KiB that it is sent.
"""

from __future__ import annotations

import struct
from asyncio import BaseTransport
from collections.abc import Iterator

from google.protobuf.message import Message
from grpclib.protocol import H2Protocol, Stream
from h2.exceptions import FrameTooLargeError, ProtocolError

_PREFIX = struct.Struct(">BI")
PREFIX_BYTES = _PREFIX.size
"""What comes before a message: whether it is compressed (it never is), and its length."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends before its first frame."""
_MOST_BYTES = 2**14
_HEAD = struct.Struct(">BHBBI")
_INCREMENT = struct.Struct(">I")
_UPDATE = 8
_UPDATE_BYTES = _HEAD.size + _INCREMENT.size
_MOST = 2**31 - 1


def framed(message: bytes) -> bytes:
    """A message with what comes before it."""
    return _PREFIX.pack(0, len(message)) + message


def head_of(message: Message, length: int) -> bytes:
    """What comes before the content of a framed ``message``, of which its last ``length`` bytes are the
    content."""
    return framed(message.SerializeToString())[:-length]


async def send(stream: Stream, data: bytes) -> None:
    """As ``stream.send_data(data)``."""
    assert stream.id is not None
    http = stream._h2_connection
    view = memoryview(data)
    while view:
        await stream.connection.write_ready.wait()
        window = http.local_flow_control_window(stream.id)
        if window <= 0:
            stream.window_updated.clear()
            await stream.window_updated.wait()
            continue
        part, view = view[:window], view[window:]
        http.outbound_flow_control_window -= len(part)
        http.streams[stream.id].outbound_flow_control_window -= len(part)
        frames = _frames(stream.id, part, http.max_outbound_frame_size)
        stream._transport.write(b"".join((http.data_to_send(), *frames)))
        stream.data_sent += len(part)
        stream.connection.data_sent += len(part)
        stream.connection.data_send_process()


def _frames(stream_id: int, data: memoryview, size: int) -> Iterator[bytes | memoryview]:
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        yield _HEAD.pack(len(piece) >> 16, len(piece) & 0xFFFF, 0, 0, stream_id)
        yield piece


class BulkProtocol(H2Protocol):
    """grpclib's end of a connection, which takes window updates in bulk."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._updates = Updates(0 if self.h2_config.client_side else len(PREFACE))

    def data_received(self, data: bytes) -> None:
        try:
            merged = self._updates.merged(data)
        except ProtocolError:
            self.processor.close("Protocol error")
        else:
            super().data_received(merged)


class Updates:
    """Adds up the window updates in what is received; ``preface`` is how many bytes come before the first
    frame."""

    def __init__(self, preface: int = 0) -> None:
        self._skip = preface
        self._begun = b""

    def merged(self, data: bytes) -> bytes:
        """``data``, with one update for many in a row. Of what a frame has so far, its head may be held
        back. Raises FrameTooLargeError."""
        data = self._begun + data
        found: list[bytes] = []
        sums: dict[int, int] = {}
        start = at = min(self._skip, len(data))
        found.append(data[:at])
        self._skip -= at
        while len(data) - at >= _HEAD.size:
            high, low, kind, _, stream = _HEAD.unpack_from(data, at)
            length = high << 16 | low
            if length > _MOST_BYTES:
                # As what does not speak HTTP/2 seems to begin; h2 would wait until it has all of it.
                raise FrameTooLargeError(f"a frame of {length} bytes")
            if kind == _UPDATE and length == _INCREMENT.size:
                if len(data) - at < _UPDATE_BYTES:
                    break
                (increment,) = _INCREMENT.unpack_from(data, at + _HEAD.size)
                if 0 < increment <= _MOST - sums.get(stream, 0):
                    found.append(data[start:at])
                    sums[stream] = sums.get(stream, 0) + increment
                    start = at = at + _UPDATE_BYTES
                    continue
            found += map(_update, sums.items())
            sums.clear()
            ahead = at + _HEAD.size + length
            self._skip = max(ahead - len(data), 0)
            at = min(ahead, len(data))
        found += map(_update, sums.items())
        found.append(data[start:at])
        self._begun = data[at:]
        return b"".join(found)


def _update(item: tuple[int, int]) -> bytes:
    stream, increment = item
    return _HEAD.pack(0, _INCREMENT.size, _UPDATE, 0, stream) + _INCREMENT.pack(increment)
