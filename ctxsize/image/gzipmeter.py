"""How big data is once compressed, and how much of that each part of it accounts for."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from zlib_ng import zlib_ng

#: The level `docker push` compresses layers with (Go's gzip default).
GZIP_LEVEL = 6
#: What is compressed at a time, as pigz does: each block with the end of the one before as its dictionary, so
#: that blocks can be compressed side by side and the whole is as small as if it were in one piece.
_BLOCK = 1 << 20
_DICTIONARY = 1 << 15
#: Output is looked at after that much input.
_PIECE = 1 << 16
#: Header and trailer of a gzip file, and the empty last block of its content.
_FRAME = 20
_RAW = -15
_MOST_THREADS = 4


class GzipMeter:
    """Compresses what it is fed, in threads of its own, and keeps only the sizes.

    ``total`` is exact once closed. ``between`` is an estimate: deflate hands out its output in
    lumps, which are divided over the input they came from in proportion. The parts of any
    partition add up to ``total`` exactly.
    """

    def __init__(self) -> None:
        self._inputs = [0]
        self._outputs = [0]
        self._threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ctxsize-gzip")
        self._pending: deque[Future[list[tuple[int, int]]]] = deque()
        self._block = bytearray()
        self._dictionary = b""

    @property
    def total(self) -> int:
        """Compressed bytes."""
        return self._outputs[-1]

    def feed(self, data: bytes) -> None:
        """Take the next piece of input; waits when the compressors fall behind."""
        self._block += data
        while len(self._block) >= _BLOCK:
            self._compress(bytes(self._block[:_BLOCK]))
            del self._block[:_BLOCK]

    def between(self, start: int, stop: int) -> int:
        """Compressed bytes that the input from offset ``start`` to ``stop`` accounts for."""
        return self._at(stop) - self._at(start)

    def rescale(self, total: int) -> None:
        """Make the parts add up to ``total``, the size somebody else's compressor reached."""
        own = max(self.total, 1)
        self._outputs = [output * total // own for output in self._outputs]

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
            self._inputs.append(self._inputs[-1])
            self._outputs.append(self._outputs[-1] + _FRAME)
        self._pool.shutdown(cancel_futures=True)
        # A layer's meter is kept for its curve; there can be thousands.
        del self._pool, self._pending, self._block, self._dictionary

    def _compress(self, block: bytes) -> None:
        # Two blocks a thread: one at work, one to go on with.
        while len(self._pending) >= 2 * self._threads:
            self._collect()
        self._pending.append(self._pool.submit(_sizes, block, self._dictionary))
        self._dictionary = block[-_DICTIONARY:]

    def _collect(self) -> None:
        taken, given = self._inputs[-1], self._outputs[-1]
        for more_taken, more_given in self._pending.popleft().result():
            taken += more_taken
            given += more_given
            self._inputs.append(taken)
            self._outputs.append(given)

    def _at(self, offset: int) -> int:
        index = min(bisect_right(self._inputs, offset), len(self._inputs) - 1)
        if index == 0:
            return 0
        left, right = self._inputs[index - 1], self._inputs[index]
        low, high = self._outputs[index - 1], self._outputs[index]
        if right == left:
            return high
        return low + (high - low) * (min(offset, right) - left) // (right - left)


def _sizes(block: bytes, dictionary: bytes) -> list[tuple[int, int]]:
    """The (input, output) bytes of a block's parts."""
    if dictionary:
        compressor = zlib_ng.compressobj(GZIP_LEVEL, wbits=_RAW, zdict=dictionary)
    else:
        compressor = zlib_ng.compressobj(GZIP_LEVEL, wbits=_RAW)
    view = memoryview(block)
    sizes = []
    taken = 0
    for start in range(0, len(view), _PIECE):
        piece = view[start : start + _PIECE]
        taken += len(piece)
        if given := len(compressor.compress(piece)):
            sizes.append((taken, given))
            taken = 0
    sizes.append((taken, len(compressor.flush(zlib_ng.Z_SYNC_FLUSH))))
    return sizes
