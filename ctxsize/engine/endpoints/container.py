"""Builders of the ``docker-container`` driver: a BuildKit in a container of a Docker engine.

It is reached as buildx does it: ``buildctl dial-stdio``, run in the container.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading

import requests
from docker.errors import NotFound

from ctxsize.engine.buildkit import Dial
from ctxsize.engine.buildkit.bridge import as_socket
from ctxsize.engine.connect import Engine
from ctxsize.engine.endpoints.process import Connection, answered
from ctxsize.engine.errors import engine_trouble, sensible
from ctxsize.errors import EngineError

#: How buildx names the container of a node.
PREFIX = "buildx_buildkit_"
_COMMAND = ("buildctl", "dial-stdio")
_OPEN_SECONDS = 30
_BLOCK = 256 * 1024
#: Of the engine's framing: which stream, three bytes of nothing, the length of what follows.
_HEADER = struct.Struct(">B3xI")
_STDOUT = 1
_MOST_SAID = 4096


def state(engine: Engine, container: str) -> str:
    """``running``, ``stopped`` (also when it is paused) or ``gone``. Raises EngineError."""
    with engine_trouble():
        try:
            found = engine.api.inspect_container(container)
        except NotFound:
            return "gone"
    with sensible("a container"):
        said = found["State"]
        return "running" if said["Running"] and not said.get("Paused") else "stopped"


def dial(engine: Engine, container: str) -> Dial:
    """How the BuildKit in ``container`` is reached."""
    return lambda: _open(engine, container)


def _open(engine: Engine, container: str) -> Connection:
    api = engine.new_client()
    with engine_trouble():
        started = api.exec_create(container, list(_COMMAND), stdin=True)
        with sensible("a command in a container"):
            path = api._url("/exec/{0}/start", str(started["Id"]))
        asked = requests.Request(
            "POST",
            path,
            data=json.dumps({"Detach": False, "Tty": False}),
            headers={"Content-Type": "application/json", "Connection": "Upgrade", "Upgrade": "tcp"},
        )
        response = api.send(
            api.prepare_request(asked), stream=True, timeout=_OPEN_SECONDS, allow_redirects=False
        )
        if response.status_code != 101:
            api._raise_for_status(response)
            response.close()
            raise EngineError(f"the engine gives no connection to {container}: {response.status_code}")
        raw, early = as_socket(response)
    near, far = socket.socketpair()
    raw.setblocking(True)
    said: list[bytes] = []
    reader = threading.Thread(target=_receive, args=(raw, early, far, said), daemon=True)
    reader.start()
    threading.Thread(target=_send, args=(far, raw), daemon=True).start()

    def why() -> str:
        reader.join(_OPEN_SECONDS)
        return b"".join(said).decode("utf-8", "replace")

    return answered(near, f"the container {container}", why)


def _receive(raw: socket.socket, early: bytes, far: socket.socket, said: list[bytes]) -> None:
    """Pass on what the command writes to its standard output; keep the beginning of all else."""
    buffer = bytearray(early)
    left = 0  # of the frame that is being read
    out = True
    with contextlib.suppress(OSError):
        while True:
            done = 0
            while True:
                if not left:
                    if len(buffer) - done < _HEADER.size:
                        break
                    stream, left = _HEADER.unpack_from(buffer, done)
                    if stream > 2:
                        raise ConnectionError("no frame")
                    out = stream == _STDOUT
                    done += _HEADER.size
                if done == len(buffer):
                    break
                with memoryview(buffer)[done : done + left] as piece:
                    if out:
                        far.sendall(piece)
                    elif sum(map(len, said)) < _MOST_SAID:
                        said.append(bytes(piece))
                    done += len(piece)
                    left -= len(piece)
            del buffer[:done]
            received = raw.recv(_BLOCK)
            if not received:
                break
            buffer += received
    if buffer and not said:
        said.append(bytes(buffer[:_MOST_SAID]))
    with contextlib.suppress(OSError):
        far.shutdown(socket.SHUT_RDWR)
    raw.close()


def _send(far: socket.socket, raw: socket.socket) -> None:
    """Pass on what is for the command's standard input; its end ends the command."""
    with contextlib.suppress(OSError):
        while piece := far.recv(_BLOCK):
            raw.sendall(piece)
    with contextlib.suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)
    far.close()
