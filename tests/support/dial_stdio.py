#!/usr/bin/env python3
"""Puts an engine's own BuildKit at another address, or behind standard streams: a builder for tests.

As a program it is ``buildctl dial-stdio`` for a container or a pod (ENGINE_SOCKET: the engine's socket). It
needs nothing but Python.
"""

import contextlib
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_BLOCK = 256 * 1024
_UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def open_grpc(path: str) -> tuple[socket.socket, bytes]:
    """A connection to the BuildKit of the engine at ``path``, and what arrived behind the headers."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    sock.sendall(_UPGRADE)
    head = b""
    while b"\r\n\r\n" not in head:
        piece = sock.recv(_BLOCK)
        if not piece:
            raise ConnectionError("the engine closed the connection")
        head += piece
    head, _, early = head.partition(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(head.decode())
    return sock, early


class Relay:
    """Listens at ``address`` (``unix://…``, or ``tcp://127.0.0.1:0``, which becomes the real one), with TLS
    where there is a context for it."""

    def __init__(self, engine: str, address: str, tls: "ssl.SSLContext | None" = None) -> None:
        self._engine = engine.removeprefix("unix://")
        self._tls = tls
        if address.startswith("unix://"):
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(address.removeprefix("unix://"))
            self.address = address
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._listener.listen(16)
        self._open: list[socket.socket] = []
        self.connections = 0
        #: Bytes that clients have sent.
        self.sent = 0

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        if self.address.startswith("unix://"):
            Path(self.address.removeprefix("unix://")).unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        near = sock
        with contextlib.suppress(OSError):
            if sock.family != socket.AF_UNIX:
                # As whatever is written in Go does it; else window updates wait for each other.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                near = _decrypted(self._tls.wrap_socket(sock, server_side=True))
            far, early = open_grpc(self._engine)
            self._open += [near, far]
            self.connections += 1
            near.sendall(early)
            upwards = threading.Thread(target=_copy, args=(near, far, self._count), daemon=True)
            upwards.start()
            _copy(far, near)
            upwards.join()
            for each in (near, far):
                self._open.remove(each)
                each.close()

    def _count(self, size: int) -> None:
        self.sent += size


def _decrypted(tls: ssl.SSLSocket) -> socket.socket:
    """A plain socket that is bridged to ``tls``, which two threads must not read and write at once."""
    from ctxsize.engine.buildkit.bridge import pump_tls  # not there in a container

    tls.setblocking(False)
    near, far = socket.socketpair()
    threading.Thread(target=pump_tls, args=(tls, far, tls), daemon=True).start()
    return near


def _copy(
    source: socket.socket, target: socket.socket, count: "Callable[[int], None]" = lambda _: None
) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_BLOCK):
            count(len(piece))
            target.sendall(piece)
    for sock in (source, target):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Be ``buildctl dial-stdio``."""
    if sys.argv[1:] != ["dial-stdio"]:
        sys.exit(f"buildctl: no such command: {sys.argv[1:]}")
    sock, early = open_grpc(os.environ.get("ENGINE_SOCKET", "/run/engine.sock"))
    os.write(1, early)

    def upwards() -> None:
        with contextlib.suppress(OSError):
            while piece := os.read(0, _BLOCK):
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)

    threading.Thread(target=upwards, daemon=True).start()
    while piece := sock.recv(_BLOCK):
        while piece:
            piece = piece[os.write(1, piece) :]
    os._exit(0)


if __name__ == "__main__":
    main()
