"""Where a builder found a Dockerfile it can't parse, as ``file:line`` of the user's own file."""

from __future__ import annotations

import re
from collections.abc import Callable

#: ``dockerfile parse error line 3: …`` (20.10, classic), ``dockerfile parse error on line 3: …`` (newer).
_PARSE_ERROR = re.compile(r".*parse error(?: on)? line (\d+): *", re.IGNORECASE | re.DOTALL)


def locate_parse_error(
    message: str, dockerfile: str, original_line: Callable[[int], int] = lambda line: line
) -> tuple[str, str | None]:
    """The message without its prefix, and ``dockerfile:line``; None for another kind of error.

    ``original_line`` leads from a line of the file the builder was given to one of the user's.
    """
    match = _PARSE_ERROR.match(message)
    if match is None:
        return message, None
    return message[match.end() :], f"{dockerfile}:{original_line(int(match[1]))}"
