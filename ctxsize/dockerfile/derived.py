"""What expansion makes of the values of build arguments: text that is to be masked as the values are.

``${TOKEN#x}``, ``${TOKEN%x}`` and ``${TOKEN/x/y}`` give most of a value, which no longer is the value. So the
results are worked out beforehand, and with them the words they are part of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ctxsize.dockerfile.expand import (
    ExpansionError,
    Scope,
    UnknownVariable,
    env_pairs,
    expand,
    expand_first,
)
from ctxsize.dockerfile.parse import Instruction
from ctxsize.errors import DockerfileError

# Characters of all substitutions of a file: each is read from its beginning, and they can be in one another.
_MOST = 1 << 18
_MENTION = re.compile(r"\$(?:\{(\w+)([#%/]?)|(\w+))")


class DerivedValues:
    """What the expansion of one Dockerfile makes of its build arguments, collected as its instructions go by.

    ``found`` maps each text to what is shown instead: the expression as the Dockerfile has it.
    """

    def __init__(self, path: str, build_args: Iterable[str]) -> None:
        self.found: dict[str, str] = {}
        self._path = path
        self._given = set(build_args)
        self._derived: set[str] = set()
        self._left = _MOST

    def note(self, instruction: Instruction, scope: Scope) -> None:
        """Take in one instruction, with the variables it sees. Raises DockerfileError when it, and those
        before it, have more substitutions than can be worked out."""
        if self._given:
            self._words(_words(instruction), scope, instruction.line)
            self._expressions(instruction.raw, scope, instruction.line)
            if instruction.keyword in ("ARG", "ENV"):
                self._assigned(_pairs(instruction))

    def base(self, base: str, scope: Scope, line: int) -> None:
        """Take in the image of a FROM."""
        if self._given:
            self._words((base,), scope, line)
            self._expressions(base, scope, line)

    def _words(self, words: Iterable[str], scope: Scope, line: int) -> None:
        for word in words:
            if any(self._is_derived(match) for match in _MENTION.finditer(word)):
                with suppress(ExpansionError, UnknownVariable):
                    self._keep(expand(word, scope.peek, scope.escape), word, line)

    def _expressions(self, text: str, scope: Scope, line: int) -> None:
        for match in _MENTION.finditer(text):
            if match[2] and self._is_derived(match):
                value, end = "", len(text)
                with suppress(ExpansionError, UnknownVariable):
                    value, end = expand_first(text, match.start(), scope.peek, scope.escape)
                self._keep(value, text[match.start() : end], line)

    def _is_derived(self, mention: re.Match[str]) -> bool:
        """Whether it takes apart an argument's value, or has a part of one."""
        name = mention[1] or mention[3]
        return name in self._derived or bool(mention[2] and name in self._given)

    def _keep(self, value: str, written: str, line: int) -> None:
        self._take(len(value) + len(written), line)
        self.found.setdefault(value, " ".join(written.split()))

    def _take(self, size: int, line: int) -> None:
        self._left -= size
        if self._left < 0:
            raise DockerfileError(
                "too many substitutions of build arguments: their values could not be kept out of messages",
                where=f"{self._path}:{line}",
                hint="do not give this build the arguments it takes apart",
            )

    def _assigned(self, pairs: Iterable[tuple[str, str]]) -> None:
        for name, value in pairs:
            mentions = list(_MENTION.finditer(value))
            if any(map(self._is_derived, mentions)):
                self._derived.add(name)
            elif any((each[1] or each[3]) in self._given for each in mentions):
                self._given.add(name)


def _pairs(instruction: Instruction) -> Iterator[tuple[str, str]]:
    """The names and values of an ENV or an ARG."""
    if instruction.keyword == "ENV":
        yield from env_pairs(instruction)
    else:
        for word in instruction.words:
            name, _, value = word.partition("=")
            yield name, value


def _words(instruction: Instruction) -> Iterator[str]:
    """The words that the builder expands and may show; of a ``NAME=value``, the value."""
    yield from (value for _, value in instruction.flags if value is not None)
    if instruction.keyword in ("ARG", "ENV"):
        yield from (value for _, value in _pairs(instruction))
    elif instruction.keyword == "WORKDIR":
        yield instruction.args
    elif instruction.keyword != "RUN":
        yield from instruction.words
