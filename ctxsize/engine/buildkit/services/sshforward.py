"""SSH agents of a build: ``moby.sshforward.v1.SSH``, for ``RUN --mount=type=ssh``.

Specs are those of ``docker build --ssh``: ``default`` or ``ID[=SOCKET]``. Bytes go to and from the agent's
socket unread. Key files, which the official client loads into an agent of its own, are refused with the way
out.
Semantics: moby/buildkit session/sshforward/sshprovider.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import grpclib
from grpclib.const import Cardinality, Handler, Status

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.errors import RequestError
from ctxsize.engine.buildkit.session import unary

if TYPE_CHECKING:
    from grpclib.server import Stream

    Forward = Stream[pb.BytesMessage, pb.BytesMessage]

_BLOCK = 32 * 1024


def parse_ssh(spec: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Read one ``--ssh`` value: (id, path of the agent's socket). Raises RequestError."""
    identity, _, path = spec.partition("=")
    identity = identity or "default"
    path = path or environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise RequestError(f"ssh {identity}: no agent is running (SSH_AUTH_SOCK is not set): start ssh-agent")
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise RequestError(f"ssh {identity}: {path}: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise RequestError(
            f"ssh {identity}: {path} is not an agent's socket: load the key with ssh-add instead"
        )
    return identity, path


class SSHForward:
    """Connects RUN steps with SSH agents of this machine."""

    def __init__(self, specs: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        self._sockets = dict(parse_ssh(spec, os.environ if environ is None else environ) for spec in specs)

    def __mapping__(self) -> dict[str, Handler]:
        path, pipe = "/moby.sshforward.v1.SSH/", pb.BytesMessage
        return {
            **unary(f"{path}CheckAgent", self._check, pb.CheckAgentRequest, pb.CheckAgentResponse),
            f"{path}ForwardAgent": Handler(self._forward, Cardinality.STREAM_STREAM, pipe, pipe),
        }

    def _socket(self, identity: str) -> str:
        path = self._sockets.get(identity or "default")
        if path is None:
            raise grpclib.GRPCError(Status.NOT_FOUND, f"unset ssh forward key {identity or 'default'}")
        return path

    async def _check(self, request: pb.CheckAgentRequest) -> pb.CheckAgentResponse:
        self._socket(request.id)
        return pb.CheckAgentResponse()

    async def _forward(self, stream: Forward) -> None:
        metadata = stream.metadata
        identity = str(metadata.get("buildkit.ssh.id", "")) if metadata else ""
        path = self._socket(identity)
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError as error:
            raise grpclib.GRPCError(Status.UNAVAILABLE, f"ssh agent {path}: {error.strerror}") from error
        await stream.send_initial_metadata()
        pumps = [
            asyncio.ensure_future(_to_agent(stream, writer)),
            asyncio.ensure_future(_to_engine(reader, stream)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.close()


async def _to_agent(stream: Forward, writer: asyncio.StreamWriter) -> None:
    async for message in stream:
        writer.write(message.data)
        await writer.drain()


async def _to_engine(reader: asyncio.StreamReader, stream: Forward) -> None:
    while data := await reader.read(_BLOCK):
        await stream.send_message(pb.BytesMessage(data=data))
