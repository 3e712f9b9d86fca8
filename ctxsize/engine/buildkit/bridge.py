"""From the Docker SDK's upgraded HTTP response to a plain socket an event loop can own."""

from __future__ import annotations

import os
import socket
from typing import Any

import requests


def as_socket(response: requests.Response) -> tuple[socket.socket, bytes]:
    """The connection of a 101 response, as a socket of our own, and the bytes that arrived behind the headers."""
    reader: Any = response.raw._fp.fp
    sock = reader.raw._sock
    sock.setblocking(False)
    # The engine starts to talk right behind the headers: part of that may sit in the reader's buffer.
    early = bytes(reader.peek(1))
    own = socket.socket(fileno=os.dup(sock.fileno()))
    own.setblocking(False)
    response.close()
    return own, early
