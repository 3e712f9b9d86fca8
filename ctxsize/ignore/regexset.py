"""Many regular expressions asked at once, in one pass over the text: RE2's sets.

An ignore file of a megabyte can hold a hundred thousand patterns. Asking them one after the other costs that
much per path, and one expression of all alternatives is more than RE2 compiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import re2

#: From this many expressions on a set is quicker than one after the other.
MANY = 16
#: What RE2 compiles into one set, with room to spare.
_MOST = 20_000
_MAX_MEMORY = 256 << 20
#: The index of an expression that is found in everything: an answer without it is none, as when RE2 runs
#: out of memory.
_SENTINEL = 0

Expressions = Sequence[str] | Sequence[bytes]


class RegexSet:
    """Says which of its expressions are found in a text. Expressions are RE2's and must be valid.

    Those that are ``str`` look at characters (the text is UTF-8), those that are ``bytes`` at bytes.
    Compiled when it is first asked; what is more than RE2 takes is asked in parts.
    """

    __slots__ = ("_expressions", "_halves", "_made", "_single")

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._made: re2.Set | None = None
        self._halves: tuple[RegexSet, RegexSet] | None = None
        self._single: re2._Regexp | None = None
        if len(expressions) > _MOST:
            self._halve()

    def find(self, text: bytes) -> list[int]:
        """The indexes of the expressions found in ``text``, in their order."""
        if self._single is not None:
            return [0] if self._single.search(text) else []
        if self._halves is None:
            found = self._found(text)
            if found is not None:
                return found
            self._halve()
            return self.find(text)
        first, second = self._halves
        size = len(first._expressions)
        return [*first.find(text), *(size + index for index in second.find(text))]

    def _found(self, text: bytes) -> list[int] | None:
        """What one set of all says; None when they are too many for RE2."""
        if self._made is None:
            try:
                self._made = _compile(self._expressions)
            except re2.error:
                return None
        found = self._made.Match(text)
        if not found or _SENTINEL not in found:
            return None
        return sorted(index - 1 for index in found if index != _SENTINEL)

    def _halve(self) -> None:
        """Ask the halves from now on, and a single one by an expression, which RE2 answers in any memory."""
        self._made = None
        if len(self._expressions) == 1:
            self._single = re2.compile(self._expressions[0], _options(self._expressions))
            return
        half = len(self._expressions) // 2
        self._halves = RegexSet(self._expressions[:half]), RegexSet(self._expressions[half:])


def refused(expressions: Iterable[str]) -> set[str]:
    """Those of the expressions that are no expressions of RE2."""
    found, parser = set(), re2.Set.SearchSet(quiet_options())
    for expression in expressions:
        try:
            parser.Add(expression)
        except re2.error:
            found.add(expression)
    return found


def quiet_options() -> re2.Options:
    """For an expression that may be refused, and may be large."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY
    return options


def _options(expressions: Expressions) -> re2.Options:
    options = quiet_options()
    if expressions and isinstance(expressions[0], bytes):
        options.encoding = re2.Options.Encoding.LATIN1
    return options


def _compile(expressions: Expressions) -> re2.Set:
    made = re2.Set.SearchSet(_options(expressions))
    made.Add("")
    for expression in expressions:
        made.Add(expression)
    made.Compile()
    return made
