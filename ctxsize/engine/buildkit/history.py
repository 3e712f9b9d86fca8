"""What an engine keeps of the builds it ran, for ``docker buildx history``: their steps, logs, and options
with the values of build arguments. BuildKit's own API on POST ``/grpc`` (moby/buildkit
api/services/control/control.proto); engines before API 1.43 keep nothing.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import grpclib
from google.protobuf.message import DecodeError
from grpclib.client import Channel
from grpclib.const import Cardinality, Status
from grpclib.exceptions import ProtocolError, StreamTerminatedError

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.bridge import speaks, upgraded
from ctxsize.engine.buildkit.errors import ConnectionLost, reason
from ctxsize.engine.buildkit.limits.flood import BoundedProcessor

ANSWER_TIMEOUT = 30.0
"""Seconds the engine has for an answer."""
_FIRST = (1, 43)
#: A thousand builds take two.
_MOST_BYTES = 64 * 1024 * 1024
#: AttributeError: grpclib takes its connection apart when that ends, be it in the middle of a call.
_BROKEN = (TimeoutError, ProtocolError, StreamTerminatedError, DecodeError, AttributeError, OSError)
_CONTROL = "/moby.buildkit.v1.Control/"


def past_builds(api: docker.APIClient) -> dict[str, dict[str, str]]:
    """The builds that the engine remembers, ended ones and those at work: by their refs the options of the
    frontend (``target``, ``label:NAME``, …). Raises BuildKitError."""
    if not speaks(api, _FIRST):
        return {}
    request = pb.BuildHistoryRequest(early_exit=True)
    events = _ask(api, "ListenBuildHistory", request, pb.BuildHistoryEvent)
    # A build is told of twice when it begins or ends meanwhile.
    return {event.record.ref: dict(event.record.frontend_attrs) for event in events}


def forget(api: docker.APIClient, ref: str) -> None:
    """Take a build out of the history. Raises BuildKitError, also for one that is at work."""
    request = pb.UpdateBuildHistoryRequest(ref=ref, delete=True)
    _ask(api, "UpdateBuildHistory", request, pb.UpdateBuildHistoryResponse)


def _ask(api: docker.APIClient, method: str, request: Any, answer: type[Any]) -> list[Any]:
    """All messages of the answer."""
    work = asyncio.wait_for(_call(api, method, request, answer), ANSWER_TIMEOUT)
    try:
        # In a thread of its own: the caller's may have an event loop already.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, work).result()
    except grpclib.GRPCError as error:
        if error.status is Status.UNIMPLEMENTED:
            return []
        raise ConnectionLost(f"the build history can't be had: {error.message}") from error
    except _BROKEN as error:
        raise ConnectionLost(f"the build history can't be had: {reason(error)}") from error


async def _call(api: docker.APIClient, method: str, request: Any, answer: type[Any]) -> list[Any]:
    # What breaks on the connection itself ends the call, and is told as that: not as a traceback.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    channel = _Upgraded(api)
    found: list[Any] = []
    size = 0
    kind = Cardinality.UNARY_STREAM  # which also takes the one message of a UNARY_UNARY
    try:
        async with channel.request(_CONTROL + method, kind, type(request), answer) as stream:
            await stream.send_message(request, end=True)
            async for message in stream:
                found.append(message)
                size += message.ByteSize()
                if size > _MOST_BYTES:
                    raise ConnectionLost(f"the build history is larger than {_MOST_BYTES >> 20} MiB")
            return found
    finally:
        channel.close()


class _Upgraded(Channel):
    """A gRPC channel on the one connection that the Docker SDK opened."""

    def __init__(self, api: docker.APIClient) -> None:
        super().__init__("engine", 0)
        self._api = api

    async def _create_connection(self) -> Any:
        sock, early = upgraded(self._api, "/grpc", [], ANSWER_TIMEOUT)
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(self._protocol_factory, sock=sock)
        protocol.processor = BoundedProcessor(
            protocol.handler, protocol.connection, lambda _why: transport.abort(), most_bytes=_MOST_BYTES
        )
        if early:
            protocol.data_received(early)
        return protocol
