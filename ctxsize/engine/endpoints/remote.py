"""Builders of the ``remote`` driver: a BuildKit at an address, with or without TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qs, urlsplit

from ctxsize.engine.buildkit import Dial
from ctxsize.engine.buildkit.bridge import over_tls
from ctxsize.engine.connect import connect
from ctxsize.engine.endpoints import container, kubernetes
from ctxsize.engine.endpoints.process import Connection, run
from ctxsize.engine.endpoints.store import Node
from ctxsize.engine.errors import reason
from ctxsize.engine.names import SCHEMES
from ctxsize.errors import EngineError

_CONNECT_SECONDS = 30
#: How long a server may take to refuse a client without the right certificate. It says so only when the
#: client thinks that all is done (TLS 1.3).
_REFUSAL_SECONDS = 1.0
_BLOCK = 64 * 1024
_TLS = ("cacert", "cert", "key", "servername")


def dial(node: Node) -> Dial:
    """How the node is reached. Raises EngineError for an address that can't be used."""
    parts = _parts(node.endpoint)
    if parts.scheme == "unix":
        return lambda: _unix(node.endpoint.removeprefix("unix://"))
    if parts.scheme == "tcp":
        return lambda: _tcp(node.endpoint, parts, node.options)
    if parts.scheme == "ssh":
        command = _ssh(node.endpoint, parts)
        return lambda: run(command, f"the builder at {node.endpoint}")
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "docker-container":
        engine = connect(asked.get("context") or None)
        return container.dial(engine, parts.hostname or "")
    return kubernetes.pod_dial(
        parts.hostname or "", asked.get("container"), asked.get("context"), asked.get("namespace")
    )


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise EngineError(f"{address[:200]} is no address of a builder: {error}") from error
    if parts.scheme not in SCHEMES:
        raise EngineError(
            f"{address[:200]} is no address of a builder", hint=f"known are {', '.join(SCHEMES)}"
        )
    if parts.scheme == "tcp" and not (parts.hostname and port):
        raise EngineError(f"{address[:200]} lacks a host or a port", hint="write tcp://HOST:PORT")
    return parts


def _unix(path: str) -> Connection:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise _no_answer(f"unix://{path}", error) from error
    sock.setblocking(False)
    return sock, b""


def _tcp(address: str, parts: SplitResult, options: Mapping[str, str]) -> Connection:
    assert parts.hostname is not None
    secured = {name: options[name] for name in _TLS if options.get(name)}
    try:
        sock = socket.create_connection((parts.hostname, parts.port), _CONNECT_SECONDS)
    except OSError as error:
        raise _no_answer(address, error) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not secured:
        sock.setblocking(False)
        return sock, b""
    try:
        return _secured(sock, secured, secured.get("servername") or parts.hostname)
    except (OSError, ValueError) as error:
        sock.close()
        raise _no_answer(address, error) from error


def _secured(sock: socket.socket, options: Mapping[str, str], servername: str) -> Connection:
    """TLS over ``sock``. Raises OSError, also for certificates that can't be read."""
    context = ssl.create_default_context()
    if "cacert" in options:
        context = ssl.create_default_context(cafile=options["cacert"])
    if "cert" in options:
        context.load_cert_chain(options["cert"], options.get("key"))
    context.set_alpn_protocols(["h2"])
    tls = context.wrap_socket(sock, server_hostname=servername)
    tls.settimeout(_REFUSAL_SECONDS)
    early = b""
    try:
        early = tls.recv(_BLOCK)
        if not early:
            raise ConnectionError("it closed the connection")
    except TimeoutError:
        pass  # it waits for us to speak
    tls.setblocking(False)
    return over_tls(tls), early


def _ssh(address: str, parts: SplitResult) -> list[str]:
    """The command that gives a connection (``ssh://[USER@]HOST[:PORT][/SOCKET]``)."""
    if not parts.hostname or parts.password is not None or parts.query:
        raise EngineError(f"{address[:200]} is no address of a builder", hint="write ssh://USER@HOST")
    command = ["ssh", *(("-l", parts.username) if parts.username else ())]
    command += ["-p", str(parts.port)] if parts.port else []
    command += ["--", parts.hostname, "buildctl"]
    command += ["--addr", f"unix://{parts.path}"] if parts.path.strip("/") else []
    return [*command, "dial-stdio"]


def _no_answer(address: str, error: Exception) -> EngineError:
    return EngineError(
        f"no BuildKit answers at {address}: {reason(error)}", hint="is it running, and reachable from here?"
    )
