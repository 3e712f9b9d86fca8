"""Where Podman reads an ignore file otherwise than Docker, by whose rules ctxsize filters for both.

Podman 4.3 compares as Docker did before 23.0: each rule with the path itself and with the one parent that has
as many components as the rule, and the last rule that matches decides. Without exceptions that comes to the
same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ctxsize.context.errors import unreadable
from ctxsize.context.walk import OpenTree
from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, IgnoreFile
from ctxsize.text import printable

_NAMED = 3  # paths that the message names


def podman_disagreement(root: Path, ignore: IgnoreFile | None) -> str | None:
    """Which files ``podman build`` would take that ctxsize does not, or leave out that it does, in one
    printable line; None when there are none. Raises ContextError when a directory can't be read."""
    if ignore is None or not any(rule.negated for rule in ignore.rules):
        return None
    matcher = Matcher(ignore.rules, Dialect.CLASSIC, ignore.path)
    try:
        with OpenTree(root) as tree:
            found = [*_differing(tree, matcher)]
    except IgnoreFileError:
        return None  # the scan reports it
    if not found:
        return None
    named = ", ".join(
        f"{printable(path)} ({'kept' if kept else 'ignored'} by podman build)"
        for path, kept in found[:_NAMED]
    )
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return (
        f"podman build reads the exceptions of the ignore file otherwise: {named}{more}; measured is Docker's"
        " reading"
    )


def _differing(tree: OpenTree, matcher: Matcher) -> Iterator[tuple[str, bool]]:
    """The files that only one of the two keeps, and whether that one is Podman."""
    ahead: list[tuple[str, DirState]] = [("", matcher.start())]
    while ahead:
        prefix, state = ahead.pop()
        for name, is_dir in _entries(tree, prefix):
            path = f"{prefix}{name}"
            outcome = state.outcome(name)
            kept = not matcher.ignored_by_podman(path)
            if not is_dir and kept == outcome.ignored:
                yield path, kept
            # Both go into an ignored directory when an exception begins with it.
            if is_dir and (kept or not outcome.ignored or outcome.enter):
                ahead.append((f"{path}/", state.child(name, outcome)))


def _entries(tree: OpenTree, prefix: str) -> list[tuple[str, bool]]:
    """The names in a directory, and which of them are directories; none when it vanished."""
    fd = tree.open_directory(prefix.rstrip("/"))
    if fd is None:
        return []
    try:
        with os.scandir(fd) as listing:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing)
    except OSError as error:
        raise unreadable(tree.shown(prefix), error) from error
    finally:
        os.close(fd)
