"""What of a tree a build gets: the walkers' rules around the matcher, spelled out plainly.

This is the reference the conformance tests hold against real builds. The scanner (ctxsize.context) must
agree with it, and is fast; this is short.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ctxsize.ignore.matcher import DirState, Matcher
from ctxsize.ignore.types import Dialect


class Arrival(NamedTuple):
    """One entry that ``COPY . /`` puts into the image.

    ``kind`` is the letter ``ls -l`` shows (``-dlps``); ``size`` is in bytes: the content of a file, the
    target's length of a symlink, 0 for all others and for a file BuildKit delivers empty.
    """

    path: str
    kind: str
    size: int


def arrivals(root: Path, matcher: Matcher, dockerfile: str = "Dockerfile") -> Iterator[Arrival]:
    """Yield what arrives of the context ``root`` when a stage copies all of it, a directory before its content.

    ``dockerfile`` is its path in the context. Raises IgnoreFileError when Docker fails on a broken rule.
    """
    own = {".dockerignore", dockerfile} if matcher.dialect is Dialect.CLASSIC else set()
    yield from _walk(root, matcher.start(), matcher, own)


def _walk(directory: Path, state: DirState, matcher: Matcher, own: set[str]) -> Iterator[Arrival]:
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    for entry in found:
        path = state.path + entry.name
        outcome = state.outcome(entry.name)
        status = entry.stat(follow_symlinks=False)
        kind = stat.filemode(status.st_mode)[0]
        if kind == "d":
            below = list(_walk(directory / entry.name, state.child(entry.name, outcome), matcher, own))
            if below or not outcome.ignored:
                yield Arrival(path, kind, 0)
            yield from below
        elif path in own:
            # The classic client always sends them; the daemon takes them away again when they are ignored.
            if not ((directory / ".dockerignore").exists() and matcher.matches_or_parent(path)):
                yield Arrival(path, kind, status.st_size if kind in "-l" else 0)
        elif not outcome.ignored and not (kind == "s" and matcher.dialect is Dialect.CLASSIC):
            size = status.st_size if kind == "l" or (kind == "-" and not outcome.emptied) else 0
            yield Arrival(path, kind, size)
