"""How BuildKit in a Docker engine is reached, best way first:

1. ``POST /grpc``, upgraded, and ``POST /session`` for sessions: what ``docker build`` does. The Docker SDK's
   connections, so TLS and SSH work. Without the second, sessions are carried in the first.
2. HTTP/2 from the first byte on, on a Unix or plain TCP socket: what API 1.53 has instead of upgrades.
3. ``POST /session`` and ``/build``, where a proxy lets nobody to either (``fallback``).
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import docker

from ctxsize.engine.buildkit.bridge import upgraded
from ctxsize.engine.buildkit.control import Control, Dial, Refused
from ctxsize.engine.buildkit.errors import BuildKitError, ConnectionLost, SessionUnavailable, reason
from ctxsize.engine.buildkit.fallback import Fallback, sessions
from ctxsize.engine.buildkit.session import OPEN_TIMEOUT


def connect(api: docker.APIClient) -> Control:
    """BuildKit of the engine of ``api``. Raises ConnectionLost when the engine can't be reached."""
    try:
        return _answering(Control(upgrading(api), sessions(api)))
    except (SessionUnavailable, Refused) as error:
        why = str(error)
    try:
        return _answering(Control(prior_knowledge(api), sessions(api)))
    except BuildKitError:
        return Fallback(api, why)


def _answering(control: Control) -> Control:
    try:
        control.workers()
    except BaseException:
        control.close()
        raise
    return control


def upgrading(api: docker.APIClient) -> Dial:
    """Connects by ``POST /grpc``."""
    return lambda: upgraded(api, "/grpc", [], OPEN_TIMEOUT)


def prior_knowledge(api: docker.APIClient) -> Dial:
    """Connects to the engine's socket, to speak HTTP/2 at once."""

    def dial() -> tuple[socket.socket, bytes]:
        url = urlsplit(api.base_url)
        path = getattr(api._custom_adapter, "socket_path", None)
        try:
            if path is not None:
                sock = socket.socket(socket.AF_UNIX)
                sock.settimeout(OPEN_TIMEOUT)
                sock.connect(path)
            elif url.scheme == "http" and url.hostname and url.port:
                sock = socket.create_connection((url.hostname, url.port), OPEN_TIMEOUT)
            else:
                raise SessionUnavailable("HTTP/2 without an upgrade is for Unix and plain TCP sockets")
        except OSError as error:
            raise ConnectionLost(f"the engine can't be reached: {reason(error)}") from error
        sock.setblocking(False)
        return sock, b""

    return dial
