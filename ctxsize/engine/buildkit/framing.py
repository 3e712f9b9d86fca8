"""gRPC's framing of messages, by hand where grpclib would copy the content once more."""

from __future__ import annotations

import struct

from google.protobuf.message import Message

_PREFIX = struct.Struct(">BI")
PREFIX_BYTES = _PREFIX.size
"""What comes before a message: whether it is compressed (it never is), and its length."""


def framed(message: bytes) -> bytes:
    """A message with what comes before it."""
    return _PREFIX.pack(0, len(message)) + message


def head_of(message: Message, length: int) -> bytes:
    """What comes before the content of a framed ``message``, of which its last ``length`` bytes are the
    content."""
    return framed(message.SerializeToString())[:-length]
