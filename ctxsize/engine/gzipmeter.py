"""How big data is once compressed, and how much of that each part of it accounts for."""

from __future__ import annotations

import queue
import threading
import zlib
from bisect import bisect_right
from types import TracebackType

#: The level `docker push` compresses layers with (Go's gzip default).
GZIP_LEVEL = 6
_PIECE = 1 << 16
_QUEUE = 32


class GzipMeter:
    """Compresses what it is fed, in a thread of its own, and keeps only the sizes.

    ``total`` is exact once closed. ``between`` is an estimate: deflate hands out its output in
    lumps, which are divided over the input they came from in proportion. The parts of any
    partition add up to ``total`` exactly.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUE)
        self._inputs = [0]
        self._outputs = [0]
        self._thread = threading.Thread(target=self._work, name="ctxsize-gzip", daemon=True)

    @property
    def total(self) -> int:
        """Compressed bytes."""
        return self._outputs[-1]

    def feed(self, data: bytes) -> None:
        """Take the next piece of input; waits when the compressor falls behind."""
        self._queue.put(data)

    def between(self, start: int, stop: int) -> int:
        """Compressed bytes that the input from offset ``start`` to ``stop`` accounts for."""
        return self._at(stop) - self._at(start)

    def rescale(self, total: int) -> None:
        """Make the parts add up to ``total``, the size somebody else's compressor reached."""
        own = max(self.total, 1)
        self._outputs = [output * total // own for output in self._outputs]

    def __enter__(self) -> GzipMeter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()

    def _at(self, offset: int) -> int:
        index = min(bisect_right(self._inputs, offset), len(self._inputs) - 1)
        if index == 0:
            return 0
        left, right = self._inputs[index - 1], self._inputs[index]
        low, high = self._outputs[index - 1], self._outputs[index]
        if right == left:
            return high
        return low + (high - low) * (min(offset, right) - left) // (right - left)

    def _work(self) -> None:
        compressor = zlib.compressobj(GZIP_LEVEL, wbits=31)
        taken = given = 0
        while (data := self._queue.get()) is not None:
            view = memoryview(data)
            for at in range(0, len(view), _PIECE):
                piece = view[at : at + _PIECE]
                taken += len(piece)
                if size := len(compressor.compress(piece)):
                    given += size
                    self._inputs.append(taken)
                    self._outputs.append(given)
        given += len(compressor.flush())
        self._inputs.append(max(taken, self._inputs[-1]))
        self._outputs.append(given)
