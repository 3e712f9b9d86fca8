"""Streams of bytes in pieces, as layers arrive."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Iterator

from ctxsize.files.tarlist import Readable
from ctxsize.files.zstd import is_zstd, unzstd

#: Bytes that are read at a time.
BLOCK = 1 << 18
#: Bytes that tell how data is compressed.
HEAD = 4


def chunks(head: bytes, source: Readable) -> Iterator[bytes]:
    """``head`` and then what ``source`` still has."""
    yield head
    while chunk := source.read(BLOCK):
        yield chunk


def read_up_to(source: Readable, size: int) -> bytes:
    """The next ``size`` bytes of ``source``; fewer only at its end."""
    data = b""
    while len(data) < size and (chunk := source.read(size - len(data))):
        data += chunk
    return data


def decompressed(head: bytes, source: Readable) -> Iterator[bytes] | None:
    """``head`` (HEAD bytes or more) and what ``source`` still has, in pieces of bounded size, when they are
    compressed with gzip or zstd, as layers are; else None.

    The pieces raise tarfile.ReadError for data that is damaged or cut off.
    """
    if head[:2] == b"\x1f\x8b":
        return gunzip(chunks(head, source))
    return unzstd(chunks(head, source), BLOCK) if is_zstd(head) else None


def gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress in pieces of bounded size, so that a small layer can't fill the memory.

    Raises tarfile.ReadError for data that is damaged or cut off.
    """
    inflater = zlib.decompressobj(wbits=31)
    inside = False
    for chunk in chunks:
        pending = chunk
        while pending:
            inside = True
            try:
                data = inflater.decompress(pending, BLOCK)
            except zlib.error as error:
                raise tarfile.ReadError(f"a compressed layer is damaged: {error}") from error
            if data:
                yield data
            if inflater.eof:
                pending = inflater.unused_data
                inflater = zlib.decompressobj(wbits=31)
                inside = False
            else:
                pending = inflater.unconsumed_tail
    if inside:
        raise tarfile.ReadError("a compressed layer is cut off")


class Body:
    """A read-only stream over chunks; ``listener`` sees every chunk that is taken."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._at = 0  # bytes of it taken
        self.listener: Callable[[bytes], None] | None = None

    def read(self, size: int = -1) -> bytes:
        """``size`` bytes, fewer only at the end; by default all that is left."""
        if size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        end = self._at + size
        data = self._buffer[self._at : end]
        if len(data) == size:  # as most: headers and small files
            self._at = end
            return data
        parts = [data]
        wanted = size - len(data)
        self._buffer, self._at = b"", 0
        while wanted and (chunk := self._next()):
            parts.append(chunk[:wanted])
            if len(chunk) > wanted:
                self._buffer, self._at = chunk, wanted
            wanted -= len(parts[-1])
        return b"".join(parts)

    def drain(self) -> None:
        """Take what is left: a tar reader stops at the end mark, the rest still counts."""
        while self._next():
            pass

    def _next(self) -> bytes:
        chunk = next(self._chunks, b"")
        if chunk and self.listener:
            self.listener(chunk)
        return chunk
