"""Shortcuts for a great many messages and HTTP/2 frames.

gRPC's messages are framed by hand where grpclib would copy the content once more. h2 makes and reads each
frame in some fifty microseconds: data is sent in many at once, window updates that come in a row are added
up, and small pieces of content are put together. BuildKit in an engine gives two updates for each few KiB
that it is sent, and asks for each file in a message of its own. For each message grpclib takes another
twenty-five microseconds, so that messages are taken out of all that is there at once.
"""

from __future__ import annotations

import struct
from asyncio import BaseTransport
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

from google.protobuf.message import Message
from grpclib.exceptions import ProtocolError as MessageError
from grpclib.protocol import H2Protocol, Stream
from h2.exceptions import FrameTooLargeError, ProtocolError

_PREFIX = struct.Struct(">BI")
PREFIX_BYTES = _PREFIX.size
"""What comes before a message: whether it is compressed (it never is), and its length."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends before its first frame."""
MOST_MESSAGE_BYTES = 16 * 1024 * 1024
"""Bytes of one message: BuildKit's own bound."""
_MOST_BYTES = 2**14
_HEAD = struct.Struct(">BHBBI")
_INCREMENT = struct.Struct(">I")
_DATA = 0
_UPDATE = 8
_UPDATE_BYTES = _HEAD.size + _INCREMENT.size
_MOST = 2**31 - 1
_SMALL = 1024
_Message = TypeVar("_Message", bound=Message)


def framed(message: bytes) -> bytes:
    """A message with what comes before it."""
    return _PREFIX.pack(0, len(message)) + message


def head_of(message: Message, length: int) -> bytes:
    """What comes before the content of a framed ``message``, of which its last ``length`` bytes are the
    content."""
    return framed(message.SerializeToString())[:-length]


async def messages(stream: Stream, kind: type[_Message]) -> AsyncIterator[_Message]:
    """The messages of this ``kind`` that are received on ``stream``, until it ends. Raises DecodeError for
    what is none, and MessageError for one that is compressed, larger than MOST_MESSAGE_BYTES or not whole."""
    begun = bytearray()
    # It waits for the first byte of a frame; the rest of the frame is there with it.
    while first := await stream.recv_data(1):
        begun += first
        begun += await stream.recv_data(stream.buffer._acked_size)
        at = 0
        while len(begun) - at >= PREFIX_BYTES:
            compressed, length = _PREFIX.unpack_from(begun, at)
            if compressed or length > MOST_MESSAGE_BYTES:
                raise MessageError("a compressed message" if compressed else f"a message of {length} bytes")
            start = at + PREFIX_BYTES
            if len(begun) - start < length:
                break
            at = start + length
            yield kind.FromString(bytes(memoryview(begun)[start:at]))
        del begun[:at]
    if begun:
        raise MessageError(f"it ends {len(begun)} bytes after a message began")


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
    """grpclib's end of a connection, which takes window updates and small pieces of content in bulk."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._bulk = Bulk(0 if self.h2_config.client_side else len(PREFACE))

    def data_received(self, data: bytes) -> None:
        try:
            merged = self._bulk.merged(data)
        except ProtocolError:
            self.processor.close("Protocol error")
        else:
            super().data_received(merged)


class Bulk:
    """Adds up the window updates in what is received, and puts small pieces of one stream's content together;
    ``preface`` is how many bytes come before the first frame."""

    def __init__(self, preface: int = 0) -> None:
        self._skip = preface
        self._begun = b""

    def merged(self, data: bytes) -> bytes:
        """``data``, with one update for many in a row, and one frame of content. Of what a frame has so far,
        its head may be held back. Raises FrameTooLargeError."""
        data = self._begun + data
        at = min(self._skip, len(data))
        row = _Row([data[:at]])
        self._skip -= at
        while len(data) - at >= _HEAD.size:
            high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
            length = high << 16 | low
            if length > _MOST_BYTES:
                # As what does not speak HTTP/2 seems to begin; h2 would wait until it has all of it.
                raise FrameTooLargeError(f"a frame of {length} bytes")
            ahead = at + _HEAD.size + length
            if kind == _UPDATE and length == _INCREMENT.size:
                if len(data) < ahead:
                    break
                (increment,) = _INCREMENT.unpack_from(data, at + _HEAD.size)
                if 0 < increment <= _MOST - row.sums.get(stream, 0):
                    row.sums[stream] = row.sums.get(stream, 0) + increment
                    at = ahead
                    continue
            elif kind == _DATA and not flags and 0 < length < _SMALL and ahead <= len(data):
                row.add(stream, data[at + _HEAD.size : ahead])
                at = ahead
                continue
            row.end()
            row.found.append(data[at:ahead])
            self._skip = max(ahead - len(data), 0)
            at = min(ahead, len(data))
        row.end()
        self._begun = data[at:]
        return b"".join(row.found)


class _Row:
    """Frames in a row that can be merged: updates, and content of one stream. In ``found`` is what comes
    before them. That an update overtakes content changes nothing."""

    def __init__(self, found: list[bytes]) -> None:
        self.found = found
        self.sums: dict[int, int] = {}
        self._stream = 0
        self._content: list[bytes] = []
        self._size = 0

    def add(self, stream: int, content: bytes) -> None:
        """Take a piece of content."""
        if stream != self._stream or self._size + len(content) > _MOST_BYTES:
            self._end_content()
        self._stream = stream
        self._content.append(content)
        self._size += len(content)

    def end(self) -> None:
        """The frame that comes now ends the row."""
        self.found += map(_update, self.sums.items())
        self.sums.clear()
        self._end_content()

    def _end_content(self) -> None:
        if self._content:
            self.found.append(_HEAD.pack(self._size >> 16, self._size & 0xFFFF, _DATA, 0, self._stream))
            self.found += self._content
        self._content, self._size = [], 0


def _update(item: tuple[int, int]) -> bytes:
    stream, increment = item
    return _HEAD.pack(0, _INCREMENT.size, _UPDATE, 0, stream) + _INCREMENT.pack(increment)
