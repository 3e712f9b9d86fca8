"""Which entries of a directory the engine asked for: fsutil's include, exclude and follow filter.

Copies the semantics of tonistiigi/fsutil filter.go and followlinks.go: patterns are matched going down the
walk with the parent's results carried along; a directory that does not match itself is listed only when
something below it is; directories in which nothing can match are not entered; and the content of a file is
opened by a second, slightly different match (``opens``), which is why BuildKit delivers some files empty.

Matching itself is injected: anything with the semantics of moby/patternmatcher will do.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ctxsize.files.nested import TooDeep, nested_input


class PatternMatcher(Protocol):
    """moby/patternmatcher over a list of patterns, ``!`` in front of an exception.

    Going down a tree, a *state* stands for a directory: what the patterns said of it and those above.
    """

    def root(self) -> Any:
        """The state of the root."""

    def child(self, state: Any, name: str) -> Any:
        """The state of the directory ``name`` in the directory of ``state``."""

    def matches(self, state: Any, name: str) -> bool:
        """MatchesUsingParentResults: whether the entry ``name`` in the directory of ``state`` matches."""

    def matches_or_parent(self, path: str) -> bool:
        """MatchesOrParentMatches: a function of the path alone."""


MatcherFactory = Callable[[Sequence[str]], PatternMatcher]
"""Makes a matcher of patterns as the engine sends them; raises ValueError for a malformed one."""

FilterState = tuple[Any, Any]
"""What include and exclude patterns said of a directory and those above it."""

MOST_FOLLOWED = 2_000_000
"""Names that follow paths may be compared with, and links that may be read, for one request: BuildKit sends
one such path for each source of COPY, and names are compared where it has a wildcard."""
_PATTERN_CHARS = frozenset("*[]?^\\")
#: A name up to its first wildcard that no backslash is before.
_WILDCARD = re.compile(r"(?:[^\\*?[]|\\.)*[*?[]", re.DOTALL)


class Filter:
    """The three lists of one request, ready to be asked about paths.

    ``include`` must already hold the targets of the follow paths (``follow_links``).
    Raises ValueError for a malformed pattern.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str], matcher: MatcherFactory) -> None:
        self._include = matcher(include) if include else None
        self._exclude = matcher(exclude) if exclude else None
        self._include_prefixes = _prefixes(p for p in map(_clean, include) if not p.startswith("!"))
        self._exception_prefixes = _prefixes(p[1:] for p in map(_clean, exclude) if p.startswith("!"))

    def root(self) -> FilterState:
        """The state to visit the entries of the root with."""
        return (
            None if self._include is None else self._include.root(),
            None if self._exclude is None else self._exclude.root(),
        )

    def child(self, state: FilterState, name: str) -> FilterState:
        """The state to visit the entries of the directory ``name`` with."""
        return (
            None if self._include is None else self._include.child(state[0], name),
            None if self._exclude is None else self._exclude.child(state[1], name),
        )

    def visit(self, state: FilterState, path: str, name: str, is_dir: bool) -> tuple[bool, bool]:
        """Decide on one entry: (listed, entered when a directory). ``state`` is its parent's."""
        listed = True
        if self._include is not None and not self._include.matches(state[0], name):
            if is_dir and not _leads_to(path, self._include_prefixes):
                return False, False
            listed = False
        if self._exclude is not None and self._exclude.matches(state[1], name):
            if is_dir and not _leads_to(path, self._exception_prefixes):
                return False, False
            listed = False
        return listed, is_dir

    def opens(self, path: str) -> bool:
        """Whether fsutil opens a listed file; if not, it arrives empty."""
        if self._include is not None and not self._include.matches_or_parent(path):
            return False
        return self._exclude is None or not self._exclude.matches_or_parent(path)


def _clean(pattern: str) -> str:
    """The pattern as patternmatcher.New stores it, its ``!`` kept in front."""
    pattern = go_clean(pattern.strip())
    if pattern.startswith("!"):
        return "!" + go_clean(pattern[1:])
    return pattern


def go_clean(path: str) -> str:
    """Go's filepath.Clean: posixpath.normpath but for two leading slashes, which it makes one."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _prefixes(patterns: Iterable[str]) -> tuple[str, ...] | None:
    """The patterns with a '/' behind, their trailing globs gone; None when one of them has wildcards."""
    result = []
    for pattern in patterns:
        literal = pattern.removesuffix("/**").removesuffix("/*")
        if not _PATTERN_CHARS.isdisjoint(literal):
            return None
        result.append(literal + "/")
    return tuple(result)


def _leads_to(directory: str, prefixes: tuple[str, ...] | None) -> bool:
    """Whether a pattern could match inside ``directory`` (None: can't be told, so yes)."""
    if prefixes is None:
        return True
    start = directory + "/"
    return any(prefix.startswith(start) for prefix in prefixes)


class Links(Protocol):
    """The little of a file system that following links needs."""

    def readlink(self, path: str) -> str | None:
        """The target of the symlink at ``path``; None when it is anything else or nothing."""

    def names(self, directory: str) -> Sequence[str]:
        """The sorted names in ``directory`` ('.' for the root); empty when it is not a directory."""


def follow_links(paths: Sequence[str], links: Links, matcher: MatcherFactory) -> list[str] | None:
    """Resolve follow paths: each with every symlink on the way and where they lead, as include patterns.

    Returns them sorted without those below another; None when one of them is the root (no filter). Raises
    ValueError when that would take longer than any build asks for.
    """
    resolved: set[str] = set()
    listed: dict[str, Sequence[str]] = {}
    steps = 0

    def count(number: int) -> None:
        nonlocal steps
        steps += number
        if steps > MOST_FOLLOWED:
            raise ValueError(
                f"to follow what was asked for, more than {MOST_FOLLOWED} names would be looked at"
            )

    def targets(path: str, wildcards: bool = True) -> list[str]:
        directory, base = posixpath.split(path)
        if wildcards and _WILDCARD.match(base):
            name_matches = matcher(["\\" + base if base.startswith("!") else base])
            found: list[str] = []
            names = listed.get(directory)
            if names is None:
                names = listed[directory] = links.names(directory or ".")
            count(len(names))
            for name in names:
                if name_matches.matches(name_matches.root(), name):
                    found += targets(go_clean(posixpath.join(directory, name)), wildcards=False)
            return found
        count(1)
        target = links.readlink(path)
        if target is None:
            return []
        return [go_clean(posixpath.join("/", directory, target))]

    def follow(path: str) -> None:
        path = go_clean(path.lstrip("/") or ".")
        current = "."
        while True:
            part, _, rest = path.partition("/")
            current = go_clean(posixpath.join(current, part))
            found = targets(current)
            if (not rest or found) and current in resolved:
                return
            if found:
                resolved.add(current)
                for target in found:
                    follow(posixpath.join(target, rest))
                return
            if not rest:
                resolved.add(current)
                return
            path = rest

    try:
        with nested_input():
            for path in dict.fromkeys(paths):
                follow(path)
    except TooDeep:
        raise ValueError("too many links lead to one another") from None
    return without_nested(sorted(resolved, key=os.fsencode))


def without_nested(paths: Sequence[str]) -> list[str] | None:
    """fsutil's dedupePaths: drop what lies below the path before it; None when the root is among them."""
    result: list[str] = []
    last = ""
    for path in paths:
        if path == ".":
            return None
        if last and path.startswith(last + "/"):
            continue
        result.append(path)
        last = path
    return result
