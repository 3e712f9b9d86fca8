"""Wildcards in COPY and ADD sources and in ``--exclude``.

Sources are matched as Go's ``path/filepath.Match`` matches, component by component: ``*`` and ``?`` do
not cross ``/``, ``[^a]`` negates, ``\\`` escapes, and ``**`` is the same as ``*``. (BuildKit asks its
client for more than it copies: there ``**`` crosses directories; see sources.py. Measured on 28.5.)
``--exclude`` patterns follow the ignore file's rules, relative to each copied directory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import re2

from ctxsize.dockerfile.linear import LinearPattern, encodable

Cover = Literal["all", "some", "none"]


def has_wildcard(path: str) -> bool:
    """Whether the path is a pattern: it has an unescaped ``*``, ``?`` or ``[``."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", path) is not None


def escape(path: str) -> str:
    """The pattern that matches exactly this path."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def unescape(pattern: str) -> str:
    """The path that a pattern without wildcards matches."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


@lru_cache(maxsize=1024)
def name_pattern(pattern: str) -> LinearPattern:
    """A pattern for one path component; one that Go calls malformed matches nothing."""
    return LinearPattern(_translate(pattern, deep=False))


@lru_cache(maxsize=1024)
def deep_pattern(pattern: str) -> LinearPattern:
    """A pattern for a whole path, in which ``**`` crosses directories."""
    return LinearPattern(_translate(pattern, deep=True))


def excluded(path: str, patterns: Sequence[str]) -> bool:
    """Whether ``--exclude`` patterns leave out ``path``, which is relative to the copied directory."""
    verdict = False
    parts = path.split("/")
    for pattern in patterns:
        negated = pattern.startswith("!")
        expression = deep_pattern(pattern[negated:])
        if negated == verdict and any(
            expression.fullmatch("/".join(parts[:count])) for count in range(1, len(parts) + 1)
        ):
            verdict = not negated
    return verdict


class PathMatcher:
    """One pattern against paths: as a whole, below a match, or on the way to one.

    With ``deep``, ``**`` crosses directories.
    """

    def __init__(self, pattern: str, deep: bool) -> None:
        parts = [] if pattern == "." else pattern.split("/")
        start = next((at for at, part in enumerate(parts) if deep and "**" in part), None)
        self._deep = None if start is None else deep_pattern("/".join(parts[start:]))
        self._names = [name_pattern(part) for part in parts[:start]]

    def cover(self, path: str) -> Cover:
        """Whether the pattern takes all, some, or none of what is at or below ``path`` (``.``: the root)."""
        parts = [] if path == "." else path.split("/")
        for name, part in zip(self._names, parts, strict=False):
            if not name.fullmatch(part):
                return "none"
        rest = parts[len(self._names) :]
        if self._deep is None:
            return "all" if len(parts) >= len(self._names) else "some"
        for count in range(1, len(rest) + 1):
            if self._deep.fullmatch("/".join(rest[:count])):
                return "all"
        return "some"


_NOTHING = r"[^\s\S]"


def _translate(pattern: str, *, deep: bool) -> str:
    pattern = encodable(pattern)
    result = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            if deep and pattern.startswith("*", at):
                at += 1
                if pattern.startswith("/", at):
                    at += 1
                    result.append("(?:.*/)?")
                else:
                    result.append(".*")
            else:
                result.append("[^/]*")
        elif char == "?":
            result.append("[^/]")
        elif char == "[":
            match = _CLASS.match(pattern, at)
            if match is None:
                return _NOTHING
            at = match.end()
            result.append(_character_class(match.group(1), match.group(2)))
        elif char == "\\":
            if at == len(pattern):
                return _NOTHING
            result.append(re2.escape(pattern[at]))
            at += 1
        else:
            result.append(re2.escape(char))
    return "".join(result)


_MEMBER = r"(?:\\.|[^\]\\-])(?:-(?:\\.|[^\]\\-]))?"
_CLASS = re.compile(rf"(\^?)((?:{_MEMBER})+)\]", re.DOTALL)


def _character_class(negation: str, members: str) -> str:
    found = []
    for member in re.findall(_MEMBER, members, re.DOTALL):
        ends = re.findall(r"\\(.)|([^\\-])", member, re.DOTALL)
        low, high = ("".join(ends[0]), "".join(ends[-1]))
        if low > high:
            continue
        found.append(f"{re2.escape(low)}-{re2.escape(high)}")
    if not found:
        return "." if negation else _NOTHING
    return f"[{negation}{''.join(found)}]"
