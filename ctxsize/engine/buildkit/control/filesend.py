"""The file that an exporter makes of a build: ``moby.filesync.v1.FileSend/DiffCopy``, the receiving half.

BuildKit calls us once for each exporter that writes a file (``oci``, ``docker``, ``tar``) and sends it piece
by piece (moby/buildkit session/filesync/filesync.go, CopyFileWriter).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import grpclib
from grpclib.const import Cardinality, Handler, Status

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.errors import ConnectionLost
from ctxsize.engine.buildkit.limits.answers import follow

if TYPE_CHECKING:
    from grpclib.server import Stream

CLOSE_TIMEOUT = 30.0
"""Seconds that whoever takes the file has to end when no more of it comes."""
MOST_WAITING = 4 * 1024 * 1024
"""Bytes that wait for whoever takes them, beyond which the engine has to wait, too."""


class FileSend:
    """Takes one file. ``take`` gets its pieces as they come, in a thread of its own, and has ended when the
    build has; what it raises ends the build, and is ``error``. ``whole``: it has taken all that it
    wanted."""

    def __init__(self, take: Callable[[Iterator[bytes]], object]) -> None:
        self._take = take
        self._bytes = 0
        #: Pieces on their way to the thread; at the end None, or what went wrong.
        self._pieces: queue.SimpleQueue[bytes | BaseException | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None
        self.whole = False

    def count(self) -> int:
        """How many bytes there were so far."""
        return self._bytes

    def close(self) -> None:
        """Have ``take`` end, if it has not, and wait for that."""
        if self._thread is not None:
            self._pieces.put(_Broken("no more is wanted"))
            self._thread.join(CLOSE_TIMEOUT)

    def __mapping__(self) -> dict[str, Handler]:
        path = "/moby.filesync.v1.FileSend/DiffCopy"
        return {path: Handler(self._receive, Cardinality.STREAM_STREAM, pb.BytesMessage, pb.BytesMessage)}

    async def _receive(self, stream: Stream[pb.BytesMessage, pb.BytesMessage]) -> None:
        if self._thread is not None:
            raise grpclib.GRPCError(Status.FAILED_PRECONDITION, "there is one file to be sent, and no other")
        loop = asyncio.get_running_loop()
        waiting = 0
        room, ended = asyncio.Event(), asyncio.Event()

        def taken(size: int) -> None:
            nonlocal waiting
            waiting -= size
            room.set()

        def end() -> None:
            ended.set()
            room.set()

        def tell(what: Callable[..., None], *args: int) -> None:
            with contextlib.suppress(RuntimeError):  # the connection has ended, and its loop
                loop.call_soon_threadsafe(what, *args)

        def pieces() -> Iterator[bytes]:
            size = 0
            for piece in follow(self._pieces):
                size += len(piece)
                if size > MOST_WAITING // 4:  # not each: that would cost more than to hand it over
                    tell(taken, size)
                    size = 0
                yield piece

        def run() -> None:
            self._run(pieces())
            tell(end)

        self._thread = threading.Thread(target=run, name="buildkit-file", daemon=True)
        self._thread.start()
        try:
            async for message in stream:
                if self.error is not None:
                    break
                self._bytes += len(message.data)
                if ended.is_set() or not message.data:
                    continue
                waiting += len(message.data)
                self._pieces.put(message.data)
                while waiting >= MOST_WAITING and not ended.is_set():
                    room.clear()
                    await room.wait()
            self._pieces.put(None)
            await ended.wait()
        finally:
            self._pieces.put(_Broken("the connection with BuildKit broke"))
        if self.error is not None:
            raise grpclib.GRPCError(Status.ABORTED, f"the file was not taken: {self.error}"[:1000])

    def _run(self, pieces: Iterator[bytes]) -> None:
        try:
            self._take(pieces)
            self.whole = True
        except _Broken:
            pass
        except BaseException as error:  # whatever it is, it is raised where the build is waited for
            self.error = error


class _Broken(ConnectionLost):
    """The file did not come whole."""
