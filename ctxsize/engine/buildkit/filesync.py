"""The file transfer of a build: ``moby.filesync.v1.FileSync/DiffCopy``, the sending half of the fsutil
protocol.

We list the directory (one STAT packet per entry, its index its id, an empty STAT at the end) while the
engine asks (REQ) for the content of files it lacks; each answer is DATA packets and an empty one. FIN both
ways ends it. Semantics: tonistiigi/fsutil send.go, moby/buildkit session/filesync/filesync.go.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import unquote_plus

import grpclib
from google.protobuf.message import DecodeError
from grpclib.const import Cardinality, Handler, Status

from ctxsize.engine.buildkit import frames
from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.directory import LocalDir, Selection
from ctxsize.engine.buildkit.entry import ServedEntry
from ctxsize.engine.buildkit.errors import ServeError
from ctxsize.engine.buildkit.frames import PREFIX_BYTES, framed, head_of

if TYPE_CHECKING:
    from grpclib.server import Stream

    DiffCopyStream = Stream[pb.Packet, pb.Packet]

STATS_PER_WRITE = 256
"""Entries listed per write: fewer, larger HTTP/2 writes cost far less than one each."""
BYTES_PER_WRITE = 512 * 1024
"""File content gathered per write (bytes), and so what a transfer holds in memory twice over."""
MOST_REQUESTED = 4096
"""Files that the engine waits for while we list more: every entry is held in memory until it is asked for and
sent, and listing is faster than sending. It is enough to keep the engine busy."""
BLOCK = 32 * 1024
"""Bytes of content per DATA packet: fsutil's buffer, so that packets and their overhead match."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class Transfer:
    """What one DiffCopy did.

    ``name`` is the directory's; ``include``, ``exclude`` and ``follow`` what the engine asked for.
    ``entries`` were listed, and of ``files`` the content was sent. ``bytes`` counts as the official
    client's "transferring" line does: the size of all packets we send; ``content_bytes`` is file content
    alone. ``unopened`` could not be opened and arrived empty; of ``resized`` another number of bytes was sent
    than listed.
    ``started``, ``listed`` (the last entry was sent) and ``completed`` are time.perf_counter() seconds:
    the clock on the wall can be set meanwhile. For ``waited`` seconds listing stood still, because too many
    files were still to be sent.
    """

    name: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    follow: tuple[str, ...]
    started: float
    completed: float | None = None
    listed: float | None = None
    waited: float = 0.0
    entries: int = 0
    files: int = 0
    bytes: int = 0
    content_bytes: int = 0
    unopened: list[str] = field(default_factory=list)
    resized: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """File content that crossed to the engine in one write: (path, bytes) each; a large file takes several
    writes.

    ``started`` and ``completed`` are time.perf_counter() seconds, from reading the first byte of it to the
    last byte handed to the connection.
    """

    name: str
    files: tuple[tuple[str, int], ...]
    started: float
    completed: float


class FileSync:
    """Serves directories by name; collects a Transfer for each request and the first error of a directory."""

    def __init__(
        self, directories: Mapping[str, LocalDir], on_sent: Callable[[Sent], None] | None = None
    ) -> None:
        self._directories = directories
        self._on_sent = on_sent
        self.transfers: list[Transfer] = []
        self.error: Exception | None = None

    def __mapping__(self) -> dict[str, Handler]:
        return {
            "/moby.filesync.v1.FileSync/DiffCopy": Handler(
                self._diff_copy, Cardinality.STREAM_STREAM, pb.Packet, pb.Packet
            )
        }

    async def _diff_copy(self, stream: DiffCopyStream) -> None:
        options = _options(stream.metadata)
        name = next(iter(options("dir-name")), "")
        directory = self._directories.get(name)
        if directory is None:
            raise grpclib.GRPCError(Status.NOT_FOUND, f'no access allowed to dir "{name}"')
        include, exclude, follow = (
            options(k) for k in ("include-patterns", "exclude-patterns", "followpaths")
        )
        transfer = Transfer(name, include, exclude, follow, started=time.perf_counter())
        self.transfers.append(transfer)
        try:
            tree = await _in_directory(directory.select, include, exclude, follow)
            await _Sender(stream, tree, transfer, self._on_sent, self._failed).run()
        except _DirectoryError as error:
            if isinstance(error.cause, ServeError):
                error.cause.directory = name
            self._failed(error.cause)
            raise grpclib.GRPCError(Status.UNKNOWN, str(error.cause)) from error
        finally:
            transfer.completed = time.perf_counter()

    def _failed(self, error: Exception) -> None:
        if self.error is None:
            self.error = error


class _DirectoryError(Exception):
    """Something a served directory raised, whatever it is: it belongs to the caller of the build."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _in_directory(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do file work in a thread, so that the engine's health checks are answered meanwhile."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except grpclib.GRPCError:
        raise
    except Exception as error:
        raise _DirectoryError(error) from error


def _options(metadata: Any) -> Callable[[str], tuple[str, ...]]:
    """Read request metadata as filesync.go's decodeOpts: values are URL-encoded when ``<key>-encoded`` says
    so, else they are bytes as they are (the session decodes headers as Latin-1)."""

    def get(key: str) -> tuple[str, ...]:
        values = [os.fsdecode(value.encode("latin-1")) for value in metadata.getall(key, [])]
        if metadata.get(key + "-encoded") in ("1", "t", "T", "true", "TRUE", "True"):
            values = [unquote_plus(value, errors="surrogateescape") for value in values]
        return tuple(values)

    return get


class _Sender:
    """One DiffCopy: lists, answers requests and ends, with every write whole and in order on one stream."""

    def __init__(
        self,
        stream: DiffCopyStream,
        tree: Selection,
        transfer: Transfer,
        on_sent: Callable[[Sent], None] | None,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._stream = stream
        self._tree = tree
        self._transfer = transfer
        self._on_sent = on_sent
        self._on_failure = on_failure
        self._writing = asyncio.Lock()
        self._requestable: dict[int, ServedEntry] = {}
        self._requested: deque[int] = deque()
        self._something_requested = asyncio.Event()
        self._caught_up = asyncio.Event()

    async def run(self) -> None:
        """Serve until the engine says FIN. Raises ServeError, and GRPCError for what the engine reports."""
        await self._stream.send_initial_metadata()
        tasks = [asyncio.ensure_future(work()) for work in (self._list, self._answer, self._receive)]
        receiving = tasks[-1]
        try:
            while not receiving.done():
                done, _ = await asyncio.wait(
                    [t for t in tasks if not t.done()], return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, data: bytes) -> None:
        # Stream.send_message takes one message at a time and, in grpclib, two tasks sending on one stream
        # could interleave their frames. Hence the lock, and many framed messages in one write below it.
        async with self._writing:
            await frames.send(self._stream._stream, data)

    async def _list(self) -> None:
        entries = enumerate(self._tree.walk())
        try:
            while True:
                await self._let_sending_catch_up()
                data, requestable, count, size = await _in_directory(_stats, entries)
                self._requestable.update(requestable)
                self._transfer.entries += count
                self._transfer.bytes += size
                if count < STATS_PER_WRITE:
                    await self._write(data + _frame(pb.Packet(type=pb.Packet.STAT)))
                    self._transfer.listed = time.perf_counter()
                    return
                await self._write(data)
        except _DirectoryError as error:
            # Before the engine hears of it: its answer may be quicker than the end of this call.
            self._on_failure(error.cause)
            await self._write(_frame(pb.Packet(type=pb.Packet.ERR, data=str(error).encode(errors="replace"))))
            raise

    async def _let_sending_catch_up(self) -> None:
        started = time.perf_counter()
        while len(self._requested) > MOST_REQUESTED:
            self._caught_up.clear()
            await self._caught_up.wait()
        self._transfer.waited += time.perf_counter() - started

    async def _receive(self) -> None:
        try:
            async for packet in frames.messages(self._stream._stream, pb.Packet):
                if packet.type == pb.Packet.REQ:
                    self._requested.append(packet.id)
                    self._something_requested.set()
                elif packet.type == pb.Packet.ERR:
                    said = packet.data.decode(errors="replace")
                    raise grpclib.GRPCError(Status.UNKNOWN, f"error from receiver: {said}")
                elif packet.type == pb.Packet.FIN:
                    fin = pb.Packet(type=pb.Packet.FIN)
                    self._transfer.bytes += fin.ByteSize()
                    await self._write(_frame(fin))
                    return
        except DecodeError as error:
            raise grpclib.GRPCError(Status.INVALID_ARGUMENT, f"a packet makes no sense: {error}") from error

    async def _answer(self) -> None:
        contents = _Contents(self._tree, self._transfer, self._next_requested)
        while True:
            await self._something_requested.wait()
            self._something_requested.clear()
            while True:
                started = time.perf_counter()
                data, files = await _in_directory(contents.gather)
                if not data:
                    break
                await self._write(data)
                if len(self._requested) <= MOST_REQUESTED:
                    self._caught_up.set()
                if self._on_sent is not None and files:
                    self._on_sent(Sent(self._transfer.name, files, started, time.perf_counter()))

    def _next_requested(self) -> tuple[int, ServedEntry] | None:
        if not self._requested:
            return None
        index = self._requested.popleft()
        entry = self._requestable.pop(index, None)
        if entry is None:
            raise grpclib.GRPCError(Status.UNKNOWN, f"invalid file id {index}")
        return index, entry


def _stats(entries: Iterator[tuple[int, ServedEntry]]) -> tuple[bytes, dict[int, ServedEntry], int, int]:
    """The next entries as framed STAT packets: (data, those with content by id, how many, packet bytes)."""
    frames: list[bytes] = []
    requestable: dict[int, ServedEntry] = {}
    count = size = 0
    for index, entry in itertools.islice(entries, STATS_PER_WRITE):
        try:
            packet = pb.Packet(
                type=pb.Packet.STAT,
                stat=pb.Stat(
                    path=entry.path,
                    mode=entry.mode,
                    size=entry.size,
                    mod_time=_int64(entry.mtime_ns),
                    linkname=entry.linkname,
                    devmajor=entry.devmajor,
                    devminor=entry.devminor,
                    xattrs=entry.xattrs,
                ),
            ).SerializeToString()
        except UnicodeEncodeError as error:
            shown = entry.path.encode(errors="surrogateescape")
            raise ServeError(
                f"{shown!r}: BuildKit can't transfer names or link targets that are not UTF-8", entry.path
            ) from error
        frames.append(framed(packet))
        count += 1
        size += len(packet)
        if entry.has_data:
            requestable[index] = entry
    return b"".join(frames), requestable, count, size


class _Contents:
    """Reads requested files into framed DATA packets, one write's worth at a time."""

    def __init__(
        self,
        tree: Selection,
        transfer: Transfer,
        next_requested: Callable[[], tuple[int, ServedEntry] | None],
    ) -> None:
        self._tree = tree
        self._transfer = transfer
        self._next = next_requested
        self._reading: _Reading | None = None

    def gather(self) -> tuple[bytes, tuple[tuple[str, int], ...]]:
        """(data, its (path, bytes) pairs); no data when nothing is requested. Raises ServeError."""
        frames: list[bytes | memoryview] = []
        files: list[tuple[str, int]] = []
        gathered = 0
        while gathered < BYTES_PER_WRITE:
            if self._reading is None:
                request = self._next()
                if request is None:
                    break
                self._reading = _Reading(self._tree, *request)
            count, ended = self._reading.read(frames, BYTES_PER_WRITE - gathered, self._transfer)
            # An empty file costs a packet too: count it, or a write could hold any number of them.
            gathered += max(count, 64)
            files.append((self._reading.entry.path, count))
            if ended:
                self._reading = None
        return b"".join(frames), tuple(files)


class _Reading:
    """A file half sent."""

    def __init__(self, tree: Selection, index: int, entry: ServedEntry) -> None:
        self.entry = entry
        self._index = index
        self._file = tree.open(entry.path)
        self._opened = self._file is not None
        self._sent = 0

    def read(self, frames: list[bytes | memoryview], limit: int, transfer: Transfer) -> tuple[int, bool]:
        """Append up to ``limit`` bytes (rounded up to a block) as DATA packets: (bytes, whether that was
        all)."""
        count = 0
        while self._file is not None and count < limit:
            ahead = max(self.entry.size - self._sent - count, BLOCK)
            blocks = -(-min(ahead, limit - count) // BLOCK)
            try:
                data = memoryview(self._file.read(blocks * BLOCK))
            except OSError as error:
                self._file.close()
                raise ServeError(f"{self.entry.path}: {error.strerror}", self.entry.path) from error
            for start in range(0, len(data), BLOCK):
                block = data[start : start + BLOCK]
                head = _head(self._index, len(block))
                frames += (head, block)
                transfer.bytes += len(head) - PREFIX_BYTES + len(block)
            count += len(data)
            # Fewer bytes than asked for, and as many in all as were listed: another read would only confirm
            # that this is the end.
            if not data or (len(data) < blocks * BLOCK and self._sent + count == self.entry.size):
                self._file.close()
                self._file = None
        self._sent += count
        ended = self._file is None
        if ended:
            end = _frame(pb.Packet(type=pb.Packet.DATA, id=self._index))
            frames.append(end)
            transfer.bytes += len(end) - PREFIX_BYTES
            transfer.files += 1
            transfer.content_bytes += self._sent
            if self._sent != self.entry.size:
                transfer.resized[self.entry.path] = self._sent
            if not self._opened:
                transfer.unopened.append(self.entry.path)
        return count, ended


@lru_cache(maxsize=16)
def _head(index: int, length: int) -> bytes:
    """What comes before so many bytes of content in a framed DATA packet. Made apart, so that the content is
    copied once less."""
    return head_of(pb.Packet(type=pb.Packet.DATA, id=index, data=bytes(length)), length)


def _frame(packet: pb.Packet) -> bytes:
    return framed(packet.SerializeToString())


def _int64(number: int) -> int:
    """``number`` as Go's 64 bits hold it: a time before 1677 or after 2262 wraps around."""
    return (number + 2**63) % 2**64 - 2**63
