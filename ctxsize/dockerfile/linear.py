"""Regular expressions that answer in linear time, made of patterns that a stranger wrote.

Python's ``re`` tries every way to share a name among the stars of ``*a*a*a*b``; RE2 does not.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

import re2

#: A longer expression is of no name that there can be (a path has 4,096 bytes at most); RE2, which refuses
#: it, would also write a line to stderr for each of its parts.
_LONGEST = 32_768
_SURROGATES = {code: 0xF0000 + code for code in range(0xD800, 0xE000)}


def encodable(text: str) -> str:
    """``text`` with surrogates (the bytes that are not UTF-8, PEP 383) as private characters, one each: RE2
    takes none. For expressions and for what they search."""
    return text if text.isascii() else text.translate(_SURROGATES)


@lru_cache(maxsize=1024)
def compile_linear(expression: str) -> re2._Regexp:
    """The RE2 expression; one that RE2 finds too large matches nothing."""
    options = re2.Options()
    options.log_errors = False
    with suppress(re2.error):
        if len(expression) <= _LONGEST:
            return re2.compile(expression, options)
    return re2.compile("[^\\s\\S]")


class LinearPattern:
    """A whole-name pattern: what PathMatcher asks of it."""

    def __init__(self, expression: str) -> None:
        self._expression = compile_linear(f"(?s)^(?:{encodable(expression)})$")

    def fullmatch(self, text: str) -> bool:
        """Whether the pattern is all of ``text``."""
        return self._expression.search(encodable(text)) is not None
