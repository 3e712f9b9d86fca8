"""Variables in a Dockerfile: expanding a word, and which variables an instruction sees.

The word syntax is that of BuildKit's ``frontend/dockerfile/shell`` (read), which the classic builder
uses too. What is in scope was measured on Docker 28.5 (BuildKit and classic), which differ: see Scope.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy

import re2

from ctxsize.dockerfile.linear import compile_linear, encodable
from ctxsize.dockerfile.parse import Dockerfile, Instruction
from ctxsize.dockerfile.platforms import platform_args
from ctxsize.dockerfile.words import WHITESPACE

#: Characters of the longest value: the system gives no process a longer variable (MAX_ARG_STRLEN).
LONGEST = 128 * 1024
#: Characters of values that all words of a file may ask for together, and what counts as many.
MOST_VALUES = 1 << 18
_MOST_NESTED = 100
# Characters that a variable which a stage inherits counts for.
_ENTRY = 2
_SPECIAL = "@*#?-$!"
_PLATFORM_ARGS = frozenset(platform_args(""))


class ExpansionError(ValueError):
    """A substitution that the builder refuses (``${``, ``${X:?message}`` unset, an open quote)."""


class UnknownVariable(LookupError):
    """A variable whose value can't be known here: it may come from the base image or the engine."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the value of {name} is not known before the build")


class Room:
    """What is left for the values of a whole Dockerfile.

    One word is bounded by LONGEST. A file of a megabyte has a hundred thousand of them: each could make
    another value of that length, each stage inherit the variables of the one before, or repeat its triggers.
    """

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def take(self, size: int) -> bool:
        """Take room for ``size`` characters; False when there is no more."""
        self._left -= size
        return self._left >= 0


def expand(word: str, lookup: Callable[[str], str | None], escape: str = "\\") -> str:
    """``word`` with variables replaced and quotes and escapes removed, never split into several words.

    ``lookup`` gives the value of a name, or None when unset; what it raises passes through.
    Raises ExpansionError where Docker refuses the word.
    """
    return _Expander(word, lookup, escape).until("", raw_escapes=False)


def expand_first(
    text: str, start: int, lookup: Callable[[str], str | None], escape: str = "\\"
) -> tuple[str, int]:
    """What the ``$…`` at ``start`` becomes, and where it ends; otherwise as ``expand``."""
    expander = _Expander(text, lookup, escape)
    expander.at = start
    return expander._dollar(), expander.at


def env_pairs(instruction: Instruction) -> tuple[tuple[str, str], ...]:
    """The ``(name, value)`` of an ENV, not expanded; both ``A=1 B=2`` and the old ``A some words``."""
    if instruction.words and "=" not in instruction.words[0]:
        name, *value = WHITESPACE.split(instruction.args, maxsplit=1)
        return ((name, value[0]),) if value else ()
    pairs = (word.partition("=") for word in instruction.words)
    return tuple((name, value) for name, _, value in pairs)


class Scope:
    """The variables in force at one point of a stage, or (before the first FROM) of the file.

    In BuildKit the latest ENV or ARG of a name wins, and an ARG sees the one before it on its line. In
    the classic builder ENV wins over ARG whatever the order, and a stage does not inherit ARGs from the
    stage it starts from. ``complete`` is False when a base image may hold variables nobody told us of.
    """

    def __init__(
        self,
        *,
        escape: str = "\\",
        buildkit: bool = True,
        build_args: Mapping[str, str] | None = None,
        outer: Mapping[str, str] | None = None,
        unknown: Iterable[str] = (),
        env: Mapping[str, str] | None = None,
        complete: bool = True,
        room: Room | None = None,
    ) -> None:
        """``outer`` is what an ARG without a value takes: global ARGs and predefined ones.

        ``unknown`` names the predefined ARGs whose value is not known; ``room`` is shared by all scopes of a
        file.
        """
        self.room = room or Room()
        self.escape = escape
        self.buildkit = buildkit
        self.build_args = build_args or {}
        self.outer = outer or {}
        self.unknown = frozenset(unknown)
        self.complete = complete
        self._env: dict[str, str | None] = dict(env or {})
        self._args: dict[str, str | None] = {}

    def child(self) -> Scope:
        """The scope a stage that starts FROM this one begins with."""
        scope = copy(self)
        scope._args = {}
        inherits = self.room.take(_ENTRY * len(self._env))
        scope._env = dict(self._env) if inherits else {}
        scope.complete = self.complete and inherits
        return scope

    def expand(self, word: str) -> str:
        """Raises ExpansionError, or UnknownVariable when the word needs a value that is not known."""
        return expand(word, self.lookup, self.escape)

    def lookup(self, name: str) -> str | None:
        value = self.peek(name)
        if value is not None and not self.room.take(len(value)):
            raise ExpansionError(f"{name}: the values of the file's variables are too long together")
        return value

    def peek(self, name: str) -> str | None:
        """As ``lookup``, with no room taken for the value. Raises UnknownVariable."""
        for values in (self._env, self._args):
            if name in values:
                value = values[name]
                if value is None:
                    raise UnknownVariable(name)
                return value
        if not self.complete:
            raise UnknownVariable(name)
        return None

    def declared(self) -> dict[str, str]:
        """The known ARGs: what the global scope hands to the stages."""
        return {name: value for name, value in self._args.items() if value is not None}

    def apply(self, instruction: Instruction) -> None:
        """Take in an ENV or an ARG; other instructions change nothing. Raises ExpansionError."""
        if instruction.keyword == "ENV":
            pairs = [(self._tolerant(name), self._tolerant(value)) for name, value in env_pairs(instruction)]
            self._env.update({name: value for name, value in pairs if name})
        elif instruction.keyword == "ARG":
            found = []
            for word in instruction.words:
                found.append(self._argument(word))
                if self.buildkit:
                    self._declare(found[-1:])
            self._declare(found)

    def _declare(self, found: Iterable[tuple[str, str | None] | None]) -> None:
        known = [entry for entry in found if entry is not None]
        self._args.update(known)
        if self.buildkit:
            self._env.update(known)  # in BuildKit ARG and ENV share one list in which the latest wins

    def _argument(self, word: str) -> tuple[str, str | None] | None:
        """Name and value of one ARG word; None when it stays unset, a value of None when unknown."""
        key, equals, default = word.partition("=")
        name = self._tolerant(key) or key
        if name in self.build_args:
            return name, self.build_args[name]
        if equals:
            return name, self._tolerant(default)
        if name in self.outer:
            return name, self.outer[name]
        return (name, None) if name in self.unknown else None

    def _tolerant(self, word: str) -> str | None:
        try:
            return self.expand(word)
        except UnknownVariable:
            return None


def global_scope(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str],
    buildkit: bool,
    predefined: Mapping[str, str],
) -> Scope:
    """The scope of the FROM lines. ``predefined`` has the platform ARGs that are known (platforms.py)."""
    # Arguments that are given win over BuildKit's own values, which need no ARG before the first FROM.
    given = {name: value for name, value in build_args.items() if name in _PLATFORM_ARGS}
    known = {**predefined, **given} if buildkit else {}
    # BuildKit gives them a value by itself, in a stage that declares them and before the first FROM.
    unknown = _PLATFORM_ARGS - known.keys() if buildkit else set[str]()
    scope = Scope(
        escape=dockerfile.escape, buildkit=buildkit, build_args=build_args, outer=known, unknown=unknown
    )
    scope._args.update(dict.fromkeys(unknown) | known)
    for instruction in dockerfile.global_args:
        scope.apply(instruction)
    return scope


class _Expander:
    """One pass over a word, as Docker's own lexer goes over it."""

    def __init__(self, word: str, lookup: Callable[[str], str | None], escape: str) -> None:
        self.word = word
        self.at = 0
        self.ask = lookup
        self.escape = escape
        self.depth = 0
        self.length = len(word)

    def lookup(self, name: str) -> str | None:
        """The value of a name. Raises ExpansionError when those of the word are too long together: a few
        lines of ``ENV A=$A$A`` would fill the memory."""
        value = self.ask(name)
        self.length += len(value or "")
        if self.length > LONGEST and value:
            raise ExpansionError(f"{name}: a value of more than {LONGEST} characters")
        return value

    def _peek(self) -> str:
        return self.word[self.at : self.at + 1]

    def _next(self) -> str:
        char = self._peek()
        self.at += len(char)
        return char

    def until(self, stop: str, *, raw_escapes: bool) -> str:
        """The rest of the word, or what comes before ``stop``, expanded."""
        self.depth += 1
        if self.depth > _MOST_NESTED:
            raise ExpansionError("syntax error: too many substitutions in one another")
        result: list[str] = []
        while char := self._peek():
            if char == stop:
                self._next()
                self.depth -= 1
                return "".join(result)
            if char == "'":
                result.append(self._single_quoted())
            elif char == '"':
                result.append(self._double_quoted(raw_escapes))
            elif char == "$":
                result.append(self._dollar())
            elif char == self.escape:
                self._next()
                result.append((char if raw_escapes else "") + self._next())
            else:
                result.append(self._next())
        if stop:
            raise ExpansionError(f"syntax error: missing '{stop}'")
        return "".join(result)

    def _single_quoted(self) -> str:
        end = self.word.find("'", self.at + 1)
        if end < 0:
            raise ExpansionError("unexpected end of statement while looking for matching single-quote")
        text = self.word[self.at + 1 : end]
        self.at = end + 1
        return text

    def _double_quoted(self, raw_escapes: bool) -> str:
        self._next()
        result: list[str] = []
        while char := self._peek():
            if char == '"':
                self._next()
                return "".join(result)
            if char == "$":
                result.append(self._dollar())
                continue
            self._next()
            if char == self.escape:
                if raw_escapes:
                    result.append(char)
                if self._peek() == "":
                    break
                # Only these can be escaped here; before anything else the escape stays.
                if self._peek() in ('"', "$", self.escape):
                    char = self._next()
            result.append(char)
        raise ExpansionError("unexpected end of statement while looking for matching double-quote")

    def _dollar(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            return (self.lookup(name) or "") if name else "$"
        self._next()
        if self._peek() in ("{", "}", ":", ""):
            raise ExpansionError("syntax error: bad substitution")
        name = self._name()
        operator = self._next()
        if operator == "}":
            return self.lookup(name) or ""
        if operator == "/":
            return self._replace(name)
        null_is_unset = operator == ":"
        if null_is_unset:
            operator = self._next()
        if operator not in ("-", "+", "?", "#", "%"):
            raise ExpansionError(f"unsupported modifier ({operator}) in substitution")
        start = self.at
        argument = self.until("}", raw_escapes=operator in "#%")
        value = self.lookup(name)
        unset = value is None or (null_is_unset and value == "")
        if operator == "-":
            return argument if unset else value or ""
        if operator == "+":
            return "" if unset else argument
        if operator == "?":
            if unset:
                # As it is written: the values of its variables may be secret.
                message = self.word[start : self.at - 1]
                raise ExpansionError(f"{name}: {message or 'is not allowed to be unset'}")
            return value or ""
        return _trim(value or "", argument, operator)

    def _replace(self, name: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self._next()
        pattern = _shell_pattern(self.until("/", raw_escapes=True), ".*")
        replacement = self.until("}", raw_escapes=True)
        value = self.lookup(name) or ""
        return _replaced(value, pattern, replacement, everywhere)

    def _name(self) -> str:
        first = self._peek()
        if first and first in _SPECIAL:
            return self._next()
        pattern = r"\d+" if first.isdigit() else r"\w*"
        match = re.compile(pattern).match(self.word, self.at)
        name = match.group() if match else ""
        self.at += len(name)
        return name


def _replaced(value: str, pattern: str, replacement: str, everywhere: bool) -> str:
    """``value`` with the first, or every, match of an expression replaced."""
    result: list[str] = []
    at = length = 0
    for match in compile_linear(pattern).finditer(encodable(value)):
        start, end = match.span()
        result += [value[at:start], replacement]
        at = end
        length += len(replacement)
        if length > LONGEST:
            raise ExpansionError(f"a value of more than {LONGEST} characters")
        if not everywhere:
            break
    return "".join(result) + value[at:]


def _trim(value: str, argument: str, operator: str) -> str:
    """``${X#pattern}`` and ``${X%pattern}``, doubled for the longest match."""
    greedy = argument.startswith(operator)
    pattern = _shell_pattern(argument[1:] if greedy else argument, ".*" if greedy else ".*?")
    text = encodable(value)
    if operator == "#":
        match = compile_linear(f"^(?:{pattern})").search(text)
        return value[match.end() :] if match else value
    # The longest suffix is the first to match; for the shortest, all before it is taken first.
    before = "" if greedy else "(?s:.*)"
    match = compile_linear(f"^{before}({pattern})$" if before else f"({pattern})$").search(text)
    return value[: match.start(1)] if match else value


def _shell_pattern(pattern: str, star: str) -> str:
    """A shell pattern without brackets (``*``, ``?``, ``\\`` escapes) as a regular expression."""
    result = []
    chars = iter(pattern)
    for char in chars:
        if char == "*":
            result.append(star)
        elif char == "?":
            result.append(".")
        elif char == "\\":
            result.append(re2.escape(encodable(next(chars, ""))))
        else:
            result.append(re2.escape(encodable(char)))
    return "".join(result)
