"""A proxy between ctxsize and the engine's socket that does harm at a chosen stage.

A stage is a request, told by a regular expression on its first line (``POST /v1.41/build?…``); the harm
befalls its answer, or what is sent with it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_REQUEST = re.compile(rb"(?:GET|POST|PUT|DELETE|HEAD) /[^\r\n]* HTTP/1\.[01]\r\n")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the answer to the ``nth`` request (from 1; None: to every one) that ``stage`` matches.

    ``kind`` is ``cut`` (both ways end at once), ``truncate`` (the answer ends as if it were whole),
    ``corrupt`` (its body is garbled), ``rename`` (it is JSON still, with other names in it), ``delay``
    (each piece of it comes late), ``pause`` (one piece does), ``refuse`` (the proxy answers 403 itself) or
    ``hold`` (nothing comes any more, on any
    connection, but all stay). It begins when ``after`` bytes of the answer have passed, or with ``upwards``
    of the request; ``then`` is called once at that moment.
    """

    stage: str
    kind: str
    after: int = 0
    nth: int | None = 1
    upwards: bool = False
    seconds: float = 0.5
    then: Callable[[], None] | None = None


class Proxy:
    """Listens at ``url`` and passes everything on to the engine, but for its ``fault``.

    ``struck`` counts how often the fault befell; ``stages`` lists the requests that passed.
    """

    def __init__(self, upstream: str, path: Path, fault: Fault | None = None) -> None:
        self.url = f"unix://{path}"
        self.fault = fault
        #: Requests whose first line this matches are not let through.
        self.refuses: str | None = None
        self.struck = 0
        self.holding = threading.Event()
        self.stages: list[str] = []
        self._upstream = upstream.removeprefix("unix://")
        self._matched = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        self._closed.set()
        self._listener.close()
        for each in self._open:
            _end(each)

    def cut(self) -> None:
        """End the connections that are open now; new ones are taken."""
        for each in self._open[:]:
            _end(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                try:
                    far.connect(self._upstream)
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                connection = _Connection(self, near, far)
                for pump in (connection.up, connection.down):
                    threading.Thread(target=pump, daemon=True).start()

    def meets(self, line: str) -> Fault | None:
        """The fault that befalls the request of this first line, or None."""
        with self._lock:
            self.stages.append(line)
            if self.refuses and re.search(self.refuses, line):
                return _REFUSAL
            fault = self.fault
            if fault is None or not re.search(fault.stage, line):
                return None
            self._matched += 1
            return fault if fault.nth in (None, self._matched) else None

    def strike(self, fault: Fault) -> None:
        """Note that the fault begins."""
        if fault is _REFUSAL:
            return
        with self._lock:
            self.struck += 1
            first = self.struck == 1
        if first and fault.then is not None:
            fault.then()

    def wait(self, seconds: float | None = None) -> None:
        """Wait, at most until the proxy closes."""
        self._closed.wait(seconds)


class _Connection:
    """One connection: a client's, and ours to the engine."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket) -> None:
        self._proxy = proxy
        self._near = near
        self._far = far
        self._fault: Fault | None = None
        self._passed = 0
        self._struck = False

    def up(self) -> None:
        """What the client sends. A request's head comes in a piece of its own."""
        with contextlib.suppress(OSError):
            while data := self._near.recv(1 << 16):
                head = _REQUEST.match(data)
                if head:
                    self._fault = self._proxy.meets(head[0].decode("latin-1").strip())
                    self._passed, self._struck = 0, False
                fault = self._fault
                if fault is not None and fault.kind == "refuse":
                    self._proxy.strike(fault)
                    self._near.sendall(_REFUSED)
                    break
                if fault is not None and fault.upwards:
                    data = self._harm(fault, data)
                self._far.sendall(data)
        _end(self._far)

    def down(self) -> None:
        """What the engine answers."""
        with contextlib.suppress(OSError):
            while data := self._far.recv(1 << 16):
                if self._proxy.holding.is_set():
                    self._proxy.wait()
                fault = self._fault
                if fault is not None and not fault.upwards:
                    data = self._harm(fault, data)
                self._near.sendall(data)
        _end(self._near)

    def _harm(self, fault: Fault, data: bytes) -> bytes:
        """``data`` as it goes on; raises OSError for a connection that ends here."""
        before, self._passed = self._passed, self._passed + len(data)
        if self._passed <= fault.after:
            return data
        first, self._struck = not self._struck, True
        if first:
            self._proxy.strike(fault)
        whole = max(0, fault.after - before)
        if fault.kind == "delay" or (fault.kind == "pause" and first):
            time.sleep(fault.seconds)
        if fault.kind in ("delay", "pause"):
            return data
        if fault.kind == "hold":
            self._proxy.holding.set()
            self._proxy.wait()
            raise OSError
        if fault.kind == "corrupt":
            return data[:whole] + _garbled(data[whole:], _GARBLE, head=before == 0 and not fault.upwards)
        if fault.kind == "rename":
            return data[:whole] + _garbled(data[whole:], _RENAME, head=before == 0 and not fault.upwards)
        if fault.kind == "truncate" and whole:
            self._near.sendall(data[:whole])
        if fault.kind == "cut":
            for each in (self._near, self._far):
                _end(each)
        raise OSError


_REFUSAL = Fault("", "refuse")
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\nConnection: close\r\n\r\nnot let in"


def _garbled(data: bytes, letters: bytes, *, head: bool) -> bytes:
    """``data`` with these ``letters`` of its body changed; lengths stay, and the head of the answer."""
    end = data.find(b"\r\n\r\n") + 4 if head else 0
    return data[:end] + data[end:].translate(letters)


#: Capitals, with which the engine's names begin, become others; what is a word of JSON stays one.
_RENAME = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"BCDEFGHIJKLMNOPQRSTUVWXYZA")
#: Letters become others, also those of true, false and null; digits and signs stay.
_GARBLE = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyzIDP", b"qcdefghijklmnopbrstuvwxyzaIZQ")


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
