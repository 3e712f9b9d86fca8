"""What a transfer holds in memory: not the whole tree, however fast it is listed."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from grpclib.client import Channel
from grpclib.const import Cardinality

from ctxsize.engine.buildkit import filesync
from ctxsize.engine.buildkit import messages_pb2 as pb
from tests.fuzz.test_buildkit import served
from tests.support.waiting import GIVE_UP_SECONDS

FILES = 700
METHOD = "/moby.filesync.v1.FileSync/DiffCopy"


def most_waiting(engine: socket.socket) -> tuple[int, int]:
    """Ask for every file as soon as it is listed: the most that were listed and not yet sent at any time, and
    how many were sent."""

    class Connected(Channel):
        async def _create_connection(self) -> Any:
            loop = asyncio.get_running_loop()
            engine.setblocking(False)
            return (await loop.create_connection(self._protocol_factory, sock=engine))[1]

    async def work() -> tuple[int, int]:
        channel = Connected("engine", 1)
        listed = sent = most = index = 0
        metadata = [("dir-name", "context")]
        try:
            async with channel.request(
                METHOD,
                Cardinality.STREAM_STREAM,
                pb.Packet,
                pb.Packet,
                metadata=metadata,
                timeout=GIVE_UP_SECONDS,
            ) as stream:
                await stream.send_request()
                while sent < FILES:
                    packet = await stream.recv_message()
                    assert packet is not None
                    if packet.type == pb.Packet.STAT and packet.HasField("stat"):
                        if not packet.stat.mode & 1 << 31:
                            listed += 1
                            await stream.send_message(pb.Packet(type=pb.Packet.REQ, id=index))
                        index += 1
                    elif packet.type == pb.Packet.DATA and not packet.data:
                        sent += 1
                    most = max(most, listed - sent)
                await stream.send_message(pb.Packet(type=pb.Packet.FIN), end=True)
        finally:
            channel.close()
        return most, sent

    return asyncio.run(work())


def test_listing_waits_for_what_is_still_to_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesync, "MOST_REQUESTED", 100)
    monkeypatch.setattr(filesync, "STATS_PER_WRITE", 64)
    for number in range(FILES):
        (tmp_path / f"{number}").write_bytes(b"x" * 20_000)
    with served(tmp_path) as (engine, _session):
        most, sent = most_waiting(engine)
    assert sent == FILES
    # Some more are listed before the engine has asked for them.
    assert most < 100 + 4 * filesync.STATS_PER_WRITE
