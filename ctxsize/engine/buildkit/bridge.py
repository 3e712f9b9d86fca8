"""From the Docker SDK's upgraded HTTP response to a plain socket that an event loop can own."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

import docker
import docker.errors
import requests
from urllib3 import HTTPHeaderDict

from ctxsize.engine.buildkit.errors import ConnectionLost, SessionUnavailable, reason, shown

_BLOCK = 64 * 1024


def speaks(api: docker.APIClient, version: tuple[int, int]) -> bool:
    """Whether the API version that ``api`` uses is at least ``version``."""
    major, _, minor = str(api._version).partition(".")
    return (int(major), int(minor)) >= version


def upgraded(
    api: docker.APIClient, path: str, headers: Sequence[tuple[str, str]], timeout: float
) -> tuple[socket.socket, bytes]:
    """POST ``path`` and take the connection over for HTTP/2: (it, what already arrived on it).

    ``timeout`` are the seconds the engine has to answer. Raises SessionUnavailable when it won't,
    ConnectionLost when it can't be reached.
    """
    prepared = api.prepare_request(requests.Request("POST", api._url(path)))
    every = HTTPHeaderDict(prepared.headers)
    every["Connection"] = "Upgrade"
    every["Upgrade"] = "h2c"
    for name, value in headers:
        every.add(name, value)
    prepared.headers = every  # this mapping can hold a name more than once
    try:
        response = api.send(prepared, stream=True, timeout=timeout, allow_redirects=False)
    except (requests.RequestException, docker.errors.DockerException) as error:
        raise ConnectionLost(f"the engine can't be reached: {reason(error)}") from error
    if response.status_code != 101:
        detail = shown(response.text)
        response.close()
        raise SessionUnavailable(f"the engine refuses POST {path}: {response.status_code} {detail}")
    return as_socket(response)


def as_socket(response: requests.Response) -> tuple[socket.socket, bytes]:
    """The connection of a 101 response as a socket of our own, and the bytes that came behind the headers.

    A Unix or TCP socket is taken over. TLS and ``ssh`` connections, which no event loop can take, are
    bridged to one end of a socket pair by daemon threads that end with the connection. Raises
    SessionUnavailable for a connection of paramiko, whose buffers can't be got at (the SDK's
    ``use_ssh_client=True`` works).
    """
    try:
        reader: Any = response.raw._fp.fp  # type: ignore[union-attr]
        if hasattr(reader, "channel"):
            return _over_ssh(response, reader)
        sock = reader.raw._sock
        sock.setblocking(False)
        # The engine starts to talk right behind the headers: part of that may sit in the reader's buffer.
        try:
            early = bytes(reader.peek(1))
        except ssl.SSLWantReadError:
            early = b""
    except (AttributeError, ValueError, OSError) as error:
        raise ConnectionLost("the engine closed the connection when it had taken it over") from error
    if isinstance(sock, ssl.SSLSocket):
        return _bridged(lambda far: pump_tls(sock, far, response)), early
    own = socket.socket(fileno=os.dup(sock.fileno()))
    own.setblocking(False)
    response.close()
    return own, early


def interrupt(response: requests.Response) -> None:
    """Wake a thread that waits for more of a streamed response: it reads the end. Best effort."""
    with contextlib.suppress(AttributeError, OSError):
        response.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def _bridged(*pumps: Callable[[socket.socket], None]) -> socket.socket:
    """One end of a socket pair; each pump gets the other end in a thread of its own."""
    near, far = socket.socketpair()
    near.setblocking(False)
    for pump in pumps:
        threading.Thread(target=pump, args=(far,), name="buildkit-bridge", daemon=True).start()
    return near


def pump_tls(tls: ssl.SSLSocket, far: socket.socket, owner: requests.Response | ssl.SSLSocket) -> None:
    """Copy both ways until either ends, then close ``owner``.

    In one thread: OpenSSL does not allow reading and writing one connection at the same time.
    """
    sending = memoryview(b"")
    poll = select.poll()
    with contextlib.suppress(OSError), far:
        while True:
            poll.register(tls, select.POLLIN | (select.POLLOUT if sending else 0))
            poll.register(far, 0 if sending else select.POLLIN)
            ready = dict(poll.poll(0 if tls.pending() else None))
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if tls.pending() or ready.get(tls.fileno(), 0) & ~select.POLLOUT:
                    received = tls.recv(_BLOCK)
                    if not received:
                        break
                    far.sendall(received)
            if not sending and far.fileno() in ready:
                sending = memoryview(far.recv(_BLOCK))
                if not sending:
                    break
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if sending:
                    sending = sending[tls.send(sending) :]
    owner.close()


def _over_ssh(response: requests.Response, reader: Any) -> tuple[socket.socket, bytes]:
    """The SDK's connection through an ``ssh`` process: pipes to its standard streams."""
    process = getattr(reader.channel, "proc", None)
    if process is None:
        raise SessionUnavailable("sessions over SSH need the ssh program (APIClient(use_ssh_client=True))")
    fd = process.stdout.fileno()
    os.set_blocking(fd, False)
    early = bytes(process.stdout.peek(1))
    os.set_blocking(fd, True)

    def from_engine(far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while received := os.read(fd, _BLOCK):
                far.sendall(received)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_RDWR)

    def to_engine(far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while sending := far.recv(_BLOCK):
                process.stdin.write(sending)
                process.stdin.flush()
        process.terminate()
        response.close()

    return _bridged(from_engine, to_engine), early
