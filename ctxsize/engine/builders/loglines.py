"""What the steps of a build write, put together to lines.

BuildKit hands it on in the pieces in which it came, of 32 KiB where a step writes much at once. A value that
lies across two pieces is found and masked only in the whole line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ctxsize.engine.buildkit import LogLine

#: Bytes of a line that are waited for. BuildKit itself keeps no more than 1 or 2 MiB of a step's log.
LONGEST = 1 << 20


class LogLines:
    """Calls ``take`` with each line of the pieces it is given, once all of the line is there."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._begun: dict[tuple[str, int], list[bytes]] = {}
        self._sizes: dict[tuple[str, int], int] = {}

    def add(self, pieces: Iterable[LogLine]) -> None:
        """Take in what came; each stream of each step has lines of its own."""
        for piece in pieces:
            key = (piece.vertex, piece.stream)
            whole, end, rest = piece.data.rpartition(b"\n")
            if end or self._sizes.get(key, 0) + len(rest) > LONGEST:
                self._say(key, whole + end)
            if rest:
                self._begun.setdefault(key, []).append(rest)
                self._sizes[key] = self._sizes.get(key, 0) + len(rest)

    def close(self) -> None:
        """Nothing more will come: what has no line end is a line, too."""
        for key in list(self._begun):
            self._say(key, b"")

    def _say(self, key: tuple[str, int], last: bytes) -> None:
        text = b"".join([*self._begun.pop(key, []), last])
        self._sizes.pop(key, None)
        for line in text.decode(errors="replace").splitlines():
            self._take(line)
