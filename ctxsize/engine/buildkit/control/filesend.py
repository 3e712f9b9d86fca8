"""The file that an exporter makes of a build: ``moby.filesync.v1.FileSend/DiffCopy``, the receiving half.

BuildKit calls us once for each exporter that writes a file (``oci``, ``docker``, ``tar``) and sends it piece
by piece (moby/buildkit session/filesync/filesync.go, CopyFileWriter).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import grpclib
from grpclib.const import Cardinality, Handler, Status

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.errors import ConnectionLost

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
        self._pieces: _Pieces | None = None
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None
        self.whole = False

    def count(self) -> int:
        """How many bytes there were so far."""
        return self._bytes

    def close(self) -> None:
        """Have ``take`` end, if it has not, and wait for that."""
        if self._pieces is not None and self._thread is not None:
            self._pieces.end(_Broken("no more is wanted"))
            self._thread.join(CLOSE_TIMEOUT)

    def __mapping__(self) -> dict[str, Handler]:
        path = "/moby.filesync.v1.FileSend/DiffCopy"
        return {path: Handler(self._receive, Cardinality.STREAM_STREAM, pb.BytesMessage, pb.BytesMessage)}

    async def _receive(self, stream: Stream[pb.BytesMessage, pb.BytesMessage]) -> None:
        if self._pieces is not None:
            raise grpclib.GRPCError(Status.FAILED_PRECONDITION, "there is one file to be sent, and no other")
        loop = asyncio.get_running_loop()
        pieces = self._pieces = _Pieces(loop)
        ended = loop.create_future()
        arguments = (pieces, loop, ended)
        self._thread = threading.Thread(target=self._run, args=arguments, name="buildkit-file", daemon=True)
        self._thread.start()
        try:
            async for message in stream:
                self._bytes += len(message.data)
                await pieces.put(message.data)
                if self.error is not None:
                    break
            else:
                pieces.end()
            await ended
        finally:
            pieces.end(_Broken("the connection with BuildKit broke"))
        if self.error is not None:
            raise grpclib.GRPCError(Status.ABORTED, f"the file was not taken: {self.error}"[:1000])

    def _run(self, pieces: _Pieces, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
        try:
            self._take(pieces)
            self.whole = True
        except _Broken:
            pass
        except BaseException as error:  # whatever it is, it is raised where the build is waited for
            self.error = error
        finally:
            pieces.leave()
            with contextlib.suppress(RuntimeError):  # the connection has ended, and its loop
                loop.call_soon_threadsafe(_end, ended)


def _end(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


class _Broken(ConnectionLost):
    """The file did not come whole."""


class _Pieces(Iterator[bytes]):
    """Pieces on their way from an event loop to a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: Exception | None = None
        self._left = False
        self._changed = threading.Condition()
        self._room = asyncio.Event()

    async def put(self, data: bytes) -> None:
        """Add a piece; returns when there is room for another one, or nobody takes any."""
        with self._changed:
            if self._left or not data:
                return
            self._waiting.append(data)
            self._size += len(data)
            self._changed.notify()
            if self._size < MOST_WAITING:
                return
            self._room.clear()
        await self._room.wait()

    def end(self, error: Exception | None = None) -> None:
        """No more come; with an ``error`` whoever takes them gets that next."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def leave(self) -> None:
        """Take no more."""
        with self._changed:
            self._left = True
            self._waiting.clear()
        self._tell()

    def __next__(self) -> bytes:
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            if not self._waiting:
                raise StopIteration
            data = self._waiting.popleft()
            full = self._size >= MOST_WAITING
            self._size -= len(data)
            if not full or self._size >= MOST_WAITING:
                return data
        self._tell()
        return data

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._room.set)
