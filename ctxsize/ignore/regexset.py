"""Many regular expressions asked at once, in one pass over the text: RE2's sets.

An ignore file of a megabyte can hold a hundred thousand patterns. Asking them one after the other costs that
much per path, and one expression of all alternatives is more than RE2 compiles.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import re2

#: From this many expressions on a set is quicker than one after the other.
MANY = 16
#: What RE2 compiles into one set, with room to spare.
_MOST = 20_000
_MAX_MEMORY = 256 << 20


class RegexSet:
    """Says which of its expressions are found in a text. Expressions are RE2's and must be valid."""

    def __init__(self, expressions: Iterable[str]) -> None:
        rest = iter(expressions)
        self._sets: list[re2.Set] | None = []
        try:
            while some := list(islice(rest, _MOST)):
                self._sets.append(_compile(some))
        except re2.error:
            self._sets = None

    def find(self, text: bytes) -> list[int] | None:
        """The indexes of the expressions found in ``text``, in no order; None when RE2 can't tell."""
        if self._sets is None:
            return None
        result: list[int] = []
        for number, one in enumerate(self._sets):
            found = one.Match(text)
            if not found or _SENTINEL not in found:
                return None
            result += [number * _MOST + index - 1 for index in found if index != _SENTINEL]
        return result


#: The index of an expression that is found in everything: an answer without it is none, as when RE2 runs
#: out of memory.
_SENTINEL = 0


def refused(expressions: Iterable[str]) -> set[str]:
    """Those of the expressions that are no expressions of RE2."""
    found, parser = set(), _empty()
    for expression in expressions:
        try:
            parser.Add(expression)
        except re2.error:
            found.add(expression)
    return found


def _empty() -> re2.Set:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY
    return re2.Set.SearchSet(options)


def _compile(expressions: Iterable[str]) -> re2.Set:
    made = _empty()
    made.Add("")
    for expression in expressions:
        made.Add(expression)
    made.Compile()
    return made
