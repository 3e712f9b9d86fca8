"""The file that an exporter sends: whole, in order, no faster than it is taken, and every way to end it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpclib
import pytest

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.control.filesend import MOST_WAITING, FileSend
from tests.support.waiting import GIVE_UP_SECONDS

PIECE = bytes(range(256)) * 128


class Sender:
    """The engine's side of the call: sends pieces, then ends it or breaks it."""

    def __init__(self, pieces: list[bytes], broken: Exception | None = None) -> None:
        self._pieces = pieces
        self._broken = broken
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[pb.BytesMessage]:
        for piece in self._pieces:
            self.sent += len(piece)
            yield pb.BytesMessage(data=piece)
        if self._broken is not None:
            raise self._broken


def receive(file: FileSend, sender: Sender) -> None:
    (handler,) = file.__mapping__().values()
    stream: Any = sender
    asyncio.run(asyncio.wait_for(handler.func(stream), GIVE_UP_SECONDS))


def taking() -> tuple[list[bytes], Callable[[Iterator[bytes]], object]]:
    taken: list[bytes] = []
    return taken, taken.extend


def test_a_file_arrives_whole_and_in_order() -> None:
    taken, take = taking()
    file = FileSend(take)
    pieces = [b"%d" % number * 50_000 for number in range(300)]
    receive(file, Sender([*pieces, b""]))
    assert taken == pieces
    assert (file.count(), file.error, file.whole) == (sum(map(len, pieces)), None, True)


def test_the_engine_waits_for_whoever_takes_it() -> None:
    sender = Sender([PIECE] * 1000)
    most = 0

    def take(pieces: Iterator[bytes]) -> None:
        nonlocal most
        for number, _ in enumerate(pieces, 1):
            most = max(most, sender.sent - number * len(PIECE))

    receive(FileSend(take), sender)
    assert sender.sent == 1000 * len(PIECE)
    assert most <= MOST_WAITING + 2 * len(PIECE)


def test_what_taking_it_raises_ends_the_call() -> None:
    """Early, with pieces that nobody waits for any more."""

    def take(pieces: Iterator[bytes]) -> None:
        next(pieces)
        raise ValueError("no tar")

    file, sender = FileSend(take), Sender([PIECE] * 100_000)
    with pytest.raises(grpclib.GRPCError, match="the file was not taken: no tar"):
        receive(file, sender)
    assert isinstance(file.error, ValueError)
    assert sender.sent < 2 * MOST_WAITING


def test_a_connection_that_breaks_is_no_shorter_file() -> None:
    file = FileSend(list)
    with pytest.raises(OSError, match="broke"):
        receive(file, Sender([PIECE] * 3, OSError("it broke")))
    file.close()
    assert (file.whole, file.error) == (False, None)


def test_no_more_is_taken_of_a_file_that_nobody_wants() -> None:
    """As when Ctrl-C is pressed: who takes it ends before what it writes to is closed."""
    started = threading.Event()
    ended = threading.Event()

    def take(pieces: Iterator[bytes]) -> None:
        try:
            for _ in pieces:
                started.set()
                time.sleep(0.001)
        finally:
            ended.set()

    file = FileSend(take)
    thread = threading.Thread(target=lambda: receive(file, Sender([PIECE] * 100_000)), daemon=True)
    thread.start()
    assert started.wait(GIVE_UP_SECONDS)
    file.close()
    assert ended.is_set()
    thread.join(GIVE_UP_SECONDS)
    assert (file.whole, file.error) == (False, None)


def test_who_takes_no_more_is_not_waited_for() -> None:
    sender = Sender([PIECE] * 1000)
    file = FileSend(next)
    receive(file, sender)
    assert (file.count(), file.error) == (1000 * len(PIECE), None)


def test_there_is_one_file() -> None:
    taken, take = taking()
    file = FileSend(take)
    receive(file, Sender([PIECE]))
    with pytest.raises(grpclib.GRPCError, match="no other"):
        receive(file, Sender([PIECE]))
    assert taken == [PIECE]
