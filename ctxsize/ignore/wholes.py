"""Rules that can't be taken apart by path component, asked about a whole path all at once.

Most have an operator of regular expressions in them that patternmatcher forgets to escape (``a|b*``), or a
class that may match a slash. Of an ignore file of a megabyte they can be a hundred thousand.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence

import re2

from ctxsize.ignore.pattern import Kind, Program, go_text, matches_path
from ctxsize.ignore.regexset import RegexSet

_FEW = 3  # as many are asked one after the other
# A rule that matches everything is often among the first, and then the many behind it are never compiled.
_FIRST_PART = 32
_GROWTH = 8
_LARGEST_PART = 16_384


class Wholes:
    """The rules of a state that look at whole paths. Shared by all states that have the same.

    ``rules`` are their indexes in order, none of them broken; ``last_exception`` is the last of them that is
    an exception, or -1. ``changes`` are the indexes from which the matcher's rules are of another kind
    (ignoring, exception) than the one before, ignoring being the first. With ``every``, :meth:`matching`
    names all that match; otherwise enough of them: of rules that follow each other without one of the other
    kind between them, Docker asks no more once one matches.
    """

    __slots__ = ("_every", "_parts", "last_exception", "rules")

    def __init__(
        self, rules: tuple[int, ...], programs: Mapping[int, Program], changes: Sequence[int], *, every: bool
    ) -> None:
        self.rules = rules
        self._every = every

        def run(index: int) -> int:
            return bisect_right(changes, index)

        self.last_exception = next((index for index in reversed(rules) if run(index) % 2), -1)
        by_text = [index for index in rules if programs[index].kind is Kind.REGEX]
        by_bytes = [index for index in rules if programs[index].kind is not Kind.REGEX]
        # Of each of the two the first that matches: the earlier one of them decides.
        self._parts = [list(_parts(some, programs, run)) for some in (by_text, by_bytes)]

    def __bool__(self) -> bool:
        return bool(self.rules)

    def matching(self, path: str) -> tuple[int, ...]:
        """The indexes of the rules that match the path: all, or those that can decide."""
        found: list[int] = []
        for parts in self._parts:
            done = -1
            for part in parts:
                if self._every:
                    found += part.matching(path)
                elif not part.first_run == part.last_run == done:
                    for index in part.matching(path):
                        if part.run(index) != done:
                            done = part.run(index)
                            found.append(index)
        return tuple(found)


class _Part:
    """Some of the rules, which are compiled and asked together."""

    __slots__ = ("_programs", "_rules", "_together", "first_run", "last_run", "run")

    def __init__(
        self, rules: Sequence[int], programs: Mapping[int, Program], run: Callable[[int], int]
    ) -> None:
        self._rules = rules
        self._programs = [programs[index] for index in rules]
        self._together: RegexSet | None = None
        self.run = run
        self.first_run = run(rules[0])
        self.last_run = run(rules[-1])

    def matching(self, path: str) -> list[int]:
        """The indexes of those that match the path, in their order."""
        if len(self._rules) <= _FEW:
            pairs = zip(self._rules, self._programs, strict=True)
            return [index for index, program in pairs if matches_path(program, path)]
        if self._programs[0].kind is Kind.REGEX:
            text = go_text(path).encode()
            self._together = self._together or RegexSet([program.regex for program in self._programs])
        else:
            text = path.encode("utf-8", "surrogateescape")
            self._together = self._together or RegexSet([*map(_bytes_regex, self._programs)])
        return [self._rules[at] for at in self._together.find(text)]


def _parts(
    rules: Sequence[int], programs: Mapping[int, Program], run: Callable[[int], int]
) -> Iterator[_Part]:
    """All the rules in their order, in parts that get larger."""
    at, size = 0, _FIRST_PART
    while at < len(rules):
        yield _Part(rules[at : at + size], programs, run)
        at += size
        size = min(size * _GROWTH, _LARGEST_PART)


def _bytes_regex(program: Program) -> bytes:
    """An expression that finds in a path's bytes what matches_path finds by comparing."""
    text = program.text.encode("utf-8", "surrogateescape")
    slash = program.kind is Kind.SUFFIX and text[:1] == b"/"
    escaped: bytes = re2.escape(text[slash:])
    if program.kind is Kind.PREFIX:
        return b"^" + escaped
    return (b"(?:^|/)" if slash else b"") + escaped + rb"\z"
