"""Reading what builders say: the lines that steps write, and where a Dockerfile can't be parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ctxsize.engine.buildkit import LogLine
from ctxsize.errors import BuildFailed

#: Bytes of a line that are waited for. BuildKit itself keeps no more than 1 or 2 MiB of a step's log.
LONGEST = 1 << 20
#: ``dockerfile parse error line 3: …`` (20.10, classic), ``dockerfile parse error on line 3: …`` (newer).
_PARSE_ERROR = re.compile(r".*parse error(?: on)? line (\d+): *", re.IGNORECASE | re.DOTALL)


class LogLines:
    """Calls ``take`` with each line of the pieces it is given, once all of the line is there.

    BuildKit hands output on in the pieces in which it came, of 32 KiB where a step writes much at once. A
    secret's value that lies across two pieces is found and masked only in the whole line.
    """

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


@contextmanager
def parse_errors_located(dockerfile: str, original_line: Callable[[int], int]) -> Iterator[None]:
    """Raise a BuildFailed about a Dockerfile that can't be parsed with ``dockerfile:line`` as its place, and
    without that in its message; others as they are.

    ``original_line`` leads from a line of the file the builder was given to one of the user's.
    """
    try:
        yield
    except BuildFailed as error:
        match = _PARSE_ERROR.match(error.message)
        if match is None:
            raise
        message, where = error.message[match.end() :], f"{dockerfile}:{original_line(int(match[1]))}"
        raise BuildFailed(message, where=where, step=error.step, log=error.log) from error
