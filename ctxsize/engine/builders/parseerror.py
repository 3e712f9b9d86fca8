"""Where a builder found a Dockerfile it can't parse, as ``file:line`` of the user's own file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ctxsize.errors import BuildFailed

#: ``dockerfile parse error line 3: …`` (20.10, classic), ``dockerfile parse error on line 3: …`` (newer).
_PARSE_ERROR = re.compile(r".*parse error(?: on)? line (\d+): *", re.IGNORECASE | re.DOTALL)


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
