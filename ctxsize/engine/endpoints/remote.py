"""Builders of the ``remote`` driver: a BuildKit at an address, with or without TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qs, urlsplit

from ctxsize.engine.buildkit import Dial
from ctxsize.engine.buildkit.tls import Secured
from ctxsize.engine.configuration import read_small
from ctxsize.engine.connect import connect
from ctxsize.engine.endpoints import container, kubernetes
from ctxsize.engine.endpoints.process import Connection, run
from ctxsize.engine.endpoints.store import Node
from ctxsize.engine.errors import reason
from ctxsize.engine.names import SCHEMES
from ctxsize.errors import ConfigError, EngineError

_CONNECT_SECONDS = 30
#: How long a server may take to refuse a client without the right certificate. It says so only when the
#: client thinks that all is done (TLS 1.3).
_REFUSAL_SECONDS = 1.0
_FILES = ("cacert", "cert", "key")
_TLS = (*_FILES, "servername")
_CREATE = "see `docker buildx inspect`; `docker buildx create` makes it anew with other files"
_MATCH = "do cacert, cert, key and servername of `docker buildx inspect` fit it?"


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


def _tcp(
    address: str, parts: SplitResult, options: Mapping[str, str]
) -> tuple[socket.socket | Secured, bytes]:
    assert parts.hostname is not None
    secured = {name: options[name] for name in _TLS if options.get(name)}
    context = _certificates(secured) if secured else None
    try:
        sock = socket.create_connection((parts.hostname, parts.port), _CONNECT_SECONDS)
    except OSError as error:
        raise _no_answer(address, error) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        sock.setblocking(False)
        return sock, b""
    try:
        return _secured(sock, context, secured.get("servername") or parts.hostname)
    except (OSError, ValueError) as error:
        sock.close()
        raise _no_answer(address, error) from error


def _certificates(options: Mapping[str, str]) -> ssl.SSLContext:
    """Whom to trust, and who we are. Raises EngineError that names the file which can't be used."""
    for name in _FILES:
        if name in options:
            _look(name, options[name])
    if ("cert" in options) != ("key" in options):
        lacking = "key" if "cert" in options else "cert"
        raise EngineError(f"it has no {lacking}, and cert and key go together", hint=_CREATE)
    authorities = options.get("cacert")  # None: those of the system
    try:
        context = ssl.create_default_context(cafile=authorities)
    except (OSError, ValueError) as error:
        raise EngineError(f"no certificate in its cacert, {authorities}", hint=_CREATE) from error
    if "cert" in options:

        def refuse() -> str:
            # Else OpenSSL asks on the terminal, and waits.
            raise EngineError("its key is encrypted", where=options["key"], hint="name one that is not")

        try:
            context.load_cert_chain(options["cert"], options["key"], password=refuse)
        except (OSError, ValueError) as error:
            which = f"{options['cert']} and {options['key']}"
            raise EngineError(
                f"no certificate and its key in {which}: {_why(error)}", hint=_CREATE
            ) from error
    context.set_alpn_protocols(["h2"])
    return context


def _look(name: str, path: str) -> None:
    """Raise EngineError when there is no file that could be read without waiting."""
    try:
        read_small(path)
    except ConfigError as error:
        raise EngineError(f"its {name}: {error.message}", where=path, hint=_CREATE) from error


def _secured(sock: socket.socket, context: ssl.SSLContext, servername: str) -> tuple[Secured, bytes]:
    """TLS over ``sock``. Raises OSError."""
    tls = Secured(sock, context, servername)
    sock.settimeout(_REFUSAL_SECONDS)
    early = b""
    try:
        early = tls.read()
        if not early:
            raise ConnectionError("it closed the connection")
    except TimeoutError:
        pass  # it waits for us to speak
    sock.setblocking(False)
    return tls, early


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
    hint = _MATCH if isinstance(error, ssl.SSLError) else "is it running, and reachable from here?"
    return EngineError(f"no BuildKit answers at {address}: {_why(error)}", hint=hint)


def _why(error: Exception) -> str:
    """What TLS or the system says, without the place in OpenSSL's bindings."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return reason(error)
