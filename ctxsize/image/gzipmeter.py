"""How big data is once compressed, and how much of that each part of it accounts for."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate, pairwise
from types import TracebackType
from typing import Any

from zlib_ng import zlib_ng

#: The level `docker push` compresses layers with (Go's gzip default).
GZIP_LEVEL = 6
#: What is compressed at a time, as pigz does: each block with the end of the one before as its dictionary, so
#: that blocks can be compressed side by side and the whole is as small as if it were in one piece.
_BLOCK = 1 << 20
_DICTIONARY = 1 << 15
#: What a compressor is fed at a time.
_PIECE = 1 << 16
#: Header and trailer of a gzip file, and the empty last block of its content.
_FRAME = 20
_RAW = -15
#: The level by which the output of a block is divided over the parts of it.
_WEIGHING_LEVEL = 2
#: A tar's records, and what a header has at which place.
_RECORD, _MAGIC, _MAGIC_OFFSET = 512, b"ustar", 257
#: Where a header has its type, and the types of those that say more of the next one.
_TYPE, _EXTENSIONS = 156, (b"x", b"g", b"L", b"K")
#: What ending a part costs.
_MARKER = 5
#: The most that a block of deflate has as it is: as much as a compressor's window holds.
_STORED = (1 << 14) - 5
#: Whether a block can be compressed at all is told from this much of it, at every so many bytes; it repeats
#: itself if so many bytes at one of these places are also in the window before.
_SAMPLE, _SAMPLED, _REPEATED = 512, 1 << 14, 16
#: A block that has no more than this part in what a fast compression makes smaller takes what that makes of
#: it: a better one has nothing to work with. Of content the zeros that fill up its record always shrink.
_LITTLE, _SMALLER = 0.05, 0.95


class GzipMeter:
    """Compresses what it is fed, in threads of its own, and keeps only the sizes.

    ``total`` counts once closed; of what can't be compressed a sample is enough (see ``_is_chance``).
    ``between`` is an estimate: the output of a block is divided over the entries of a tar in it (see
    ``_sizes``). The parts of any partition add up to ``total`` exactly. ``coarse`` takes half of the time,
    and tells what lies within a hundred kilobytes apart by size alone.
    """

    def __init__(self, *, coarse: bool = False, exact: bool = True) -> None:
        """``exact``: ``total`` counts; else it is roughly right, in less time, until ``rescale``."""
        self._divide = _lumps if coarse else _sizes
        self._level = GZIP_LEVEL if exact else _WEIGHING_LEVEL
        # Where each block begins, in the input and in the output, and where the last one ends.
        self._starts, self._made = array("q", [0]), array("q", [0])
        # What input ends where in a block, and the output up to there. A layer can have millions of these:
        # within a block 4 bytes are enough for each, and what is kept block by block is never moved.
        self._inside: list[tuple[array[int], array[int]]] = []
        self._stored: int | None = None
        self._threads = len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ctxsize-gzip")
        self._pending: deque[Future[list[tuple[int, int]]]] = deque()
        self._block = bytearray()
        self._dictionary = b""

    @property
    def total(self) -> int:
        """Compressed bytes."""
        return self._made[-1] if self._stored is None else self._stored

    def feed(self, data: bytes) -> None:
        """Take the next piece of input; waits when the compressors fall behind."""
        self._block += data
        while len(self._block) >= _BLOCK:
            with memoryview(self._block) as view:
                block = bytes(view[:_BLOCK])
            self._compress(block)
            del self._block[:_BLOCK]

    def between(self, start: int, stop: int) -> int:
        """Compressed bytes that the input from offset ``start`` to ``stop`` accounts for."""
        return self._at(stop) - self._at(start)

    def rescale(self, total: int) -> None:
        """Make the parts add up to ``total``, the size somebody else's compressor reached."""
        self._stored = total

    def __enter__(self) -> GzipMeter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            if self._block:
                self._compress(bytes(self._block))
            while self._pending:
                self._collect()
            self._made[-1] += _FRAME
        self._pool.shutdown(cancel_futures=True)
        # A layer's meter is kept for its curve; there can be thousands.
        del self._pool, self._pending, self._block, self._dictionary

    def _compress(self, block: bytes) -> None:
        # Two blocks a thread: one at work, one to go on with.
        while len(self._pending) >= 2 * self._threads:
            self._collect()
        self._pending.append(self._pool.submit(self._divide, block, self._dictionary, self._level))
        self._dictionary = block[-_DICTIONARY:]

    def _collect(self) -> None:
        inputs, outputs = zip(*self._pending.popleft().result(), strict=True)
        inside = array("I", accumulate(inputs)), array("I", accumulate(outputs))
        self._inside.append(inside)
        self._starts.append(self._starts[-1] + inside[0][-1])
        self._made.append(self._made[-1] + inside[1][-1])

    def _at(self, offset: int) -> int:
        made = self._made_at(offset)
        return made if self._stored is None else made * self._stored // max(self._made[-1], 1)

    def _made_at(self, offset: int) -> int:
        block = bisect_right(self._starts, offset) - 1
        if block + 1 == len(self._starts):
            return self._made[-1]
        inputs, outputs = self._inside[block]
        inside = offset - self._starts[block]
        index = bisect_right(inputs, inside)
        left, low = (inputs[index - 1], outputs[index - 1]) if index else (0, 0)
        right, high = inputs[index], outputs[index]
        return self._made[block] + low + (high - low) * (inside - left) // (right - left)


def _sizes(block: bytes, dictionary: bytes, level: int = GZIP_LEVEL) -> list[tuple[int, int]]:
    """The (input, output) bytes of a block's parts.

    Deflate hands out its output late and in lumps, so what each part accounts for is not to be seen in it.
    Where entries of a tar begin, each header and each content is a part: a faster compression, which is
    ended at each of them, says how the output is divided. Any other block is one part.
    """
    starts, contents = _parts(block)
    if len(starts) == 1:
        if _is_chance(block, dictionary):
            return [(len(block), _stored(len(block)))]
        return [(len(block), sum(_compressed(block, starts, dictionary, level)))]
    ended = _compressed(block, starts, dictionary, _WEIGHING_LEVEL)
    weights = [max(weight - _MARKER, 1) for weight in ended]
    lengths = [end - start for start, end in pairwise([*starts, len(block)])]
    smaller = (length for length, weight in zip(lengths, weights, strict=True) if weight < _SMALLER * length)
    if level == _WEIGHING_LEVEL or sum(smaller) <= _LITTLE * len(block):
        size = sum(weights)
    else:
        size = sum(_compressed(block, [0], dictionary, level))
    whole, before, given = sum(weights), 0, 0
    sizes: list[tuple[int, int]] = []
    for start, length, weight in zip(starts, lengths, weights, strict=True):
        before += weight
        more = size * before // whole - given
        given += more
        if start in contents and sizes and sizes[-1][0] == _RECORD:
            # Nobody asks for a file without its header: a curve of half as many points is enough.
            taken, made = sizes.pop()
            length, more = taken + length, made + more
        sizes.append((length, more))
    return sizes


def _lumps(block: bytes, dictionary: bytes, level: int = GZIP_LEVEL) -> list[tuple[int, int]]:
    """The (input, output) bytes of a block's parts, as the output comes: late, but in lumps that are small
    beside the block."""
    if _is_chance(block, dictionary):
        return [(len(block), _stored(len(block)))]
    compressor = _compressor(dictionary, level)
    sizes: list[tuple[int, int]] = []
    taken = 0
    view = memoryview(block)
    for at in range(0, len(block), _PIECE):
        piece = view[at : at + _PIECE]
        taken += len(piece)
        if given := len(compressor.compress(piece)):
            sizes.append((taken, given))
            taken = 0
    # What was held back is the last parts' own.
    rest = len(compressor.flush(zlib_ng.Z_SYNC_FLUSH))
    return [*sizes, (taken, rest)]


def _is_chance(block: bytes, dictionary: bytes) -> bool:
    """Whether a block looks as if no compression made it smaller: what is compressed already, or encrypted.

    Compressing that takes longest, and much of what people ignore is of the kind. A sample decides, which
    takes a tenth of the time. A few kilobytes of something else may slip through it: 0.2 % of the block.
    """
    places = range(0, len(block), _SAMPLED)
    sample = b"".join([block[at : at + _SAMPLE] for at in places])
    if sum(_compressed(sample, [0], b"", GZIP_LEVEL)) < len(sample):
        return False
    data, before = dictionary + block, len(dictionary)
    return not any(
        data.find(data[at : at + _REPEATED], max(at - _DICTIONARY, 0), at + _REPEATED - 1) >= 0
        for at in range(before, before + len(block) - _REPEATED, _SAMPLED)
    )


def _stored(size: int) -> int:
    """What deflate makes of bytes that it can't compress: as they are, in blocks with a header each."""
    return size + _MARKER * -(-size // _STORED) + _MARKER


def _parts(block: bytes) -> tuple[list[int], set[int]]:
    """Where the parts of a block start: at tar headers, and behind them; and which of these are contents.
    Headers that follow each other, and what belongs to a header (long names), are one part. A block begins
    where a tar record does."""
    starts, contents = {0}, set()
    end, more = -1, False
    found = block.find(_MAGIC)
    while found >= 0:
        record, offset = divmod(found, _RECORD)
        if offset == _MAGIC_OFFSET:
            start = record * _RECORD
            if start == end:  # what is said to have no content
                starts.discard(end)
                contents.discard(end)
            elif not more:
                starts.add(start)
            end, more = start + _RECORD, block[start + _TYPE : start + _TYPE + 1] in _EXTENSIONS
            if not more:
                starts.update((end, _behind(block, start)))
                contents.add(end)
        found = block.find(_MAGIC, found + 1)
    return sorted(start for start in starts if start < len(block)), contents


def _behind(block: bytes, header: int) -> int:
    """Where the content ends that belongs to the header: behind it may be the zeros that end the tar."""
    try:
        size = int(block[header + 124 : header + 135].rstrip(b"\0 ") or b"0", 8)
    except ValueError:
        size = 0
    return header + _RECORD + max(size, 0) + -size % _RECORD


def _compressed(block: bytes, starts: list[int], dictionary: bytes, level: int) -> list[int]:
    """The output for each part of a block, ended after each."""
    compressor = _compressor(dictionary, level)
    view = memoryview(block)
    sizes = []
    for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
        pieces = (view[at : min(at + _PIECE, end)] for at in range(start, end, _PIECE))
        given = sum(len(compressor.compress(piece)) for piece in pieces)
        sizes.append(given + len(compressor.flush(zlib_ng.Z_SYNC_FLUSH)))
    return sizes


def _compressor(dictionary: bytes, level: int) -> Any:
    if dictionary:
        return zlib_ng.compressobj(level, wbits=_RAW, zdict=dictionary)
    return zlib_ng.compressobj(level, wbits=_RAW)
