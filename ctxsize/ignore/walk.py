"""What of a tree a build gets: the walkers' rules around the matcher, spelled out plainly.

This is the reference the conformance tests hold against real builds. The scanner (ctxsize.context) must
agree with it, and is fast; this is short.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ctxsize.errors import IgnoreFileError, UsageError
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.find import resolve_scoped
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect


class Arrival(NamedTuple):
    """One entry that ``COPY . /`` puts into the image.

    ``kind`` is the letter ``ls -l`` shows (``-dlps``); ``size`` is in bytes: the content of a file, the
    target's length of a symlink, 0 for all others and for a file BuildKit delivers empty.
    """

    path: str
    kind: str
    size: int


def arrivals(root: Path, matcher: Matcher, dockerfile: str = "Dockerfile") -> list[Arrival]:
    """What arrives of the context ``root`` when a stage copies all of it, a directory before its content.

    ``dockerfile`` is its path in the context. Raises IgnoreFileError when Docker fails on a broken rule, and
    UsageError when BuildKit fails on a name that is not UTF-8.
    """
    if matcher.dialect is Dialect.BUILDKIT:
        found: list[Arrival] = []
        _walk(root, matcher.start(), matcher, found, {})
        return found
    return _classic_arrivals(root, matcher, dockerfile)


def _classic_arrivals(root: Path, matcher: Matcher, dockerfile: str) -> list[Arrival]:
    if (root / dockerfile).is_symlink():
        dockerfile = os.path.relpath((root / dockerfile).resolve(), root.resolve())
    _validate(root, "", matcher)
    walked = matcher.for_classic_build(dockerfile)
    found: list[Arrival] = []
    # The client fails on a broken rule in its first walk, which enters no ignored directory. In the second,
    # that writes the tar, it stops where it meets one, and sends what it has.
    with suppress(IgnoreFileError):
        _walk(root, walked.start(), walked, found, {})
    if not any(entry.path == dockerfile for entry in found):
        raise IgnoreFileError(
            f"the classic builder does not send {dockerfile}, and then can't find it",
            where=matcher.source,
            hint=f"add a line !{dockerfile}",
        )
    removed = _removed_by_daemon(root, dockerfile, {entry.path for entry in found if entry.kind == "-"})
    return [entry for entry in found if entry.path not in removed]


def _validate(directory: Path, prefix: str, matcher: Matcher) -> None:
    """The classic client's ``ValidateContextDirectory``, as far as it evaluates rules."""
    with os.scandir(directory) as entries:
        for entry in entries:
            ignored = matcher.matches_or_parent(prefix + entry.name, strict=True)
            if entry.is_dir(follow_symlinks=False) and not ignored:
                _validate(directory / entry.name, f"{prefix}{entry.name}/", matcher)


def _removed_by_daemon(root: Path, dockerfile: str, sent: set[str]) -> set[str | None]:
    """What the daemon takes away after reading it: the ignore file and the Dockerfile, when ignored.

    It reads the ignore file again, in the context it got, where a symlink can't lead outside and ``/`` is the
    context; the file a symlink leads to is what it removes. Without an ignore file it removes nothing.
    """
    target = resolve_scoped(root, ".dockerignore")
    if target is None or target not in sent:
        return set()
    try:
        rules = parse_ignore((root / target).read_bytes(), target, Dialect.CLASSIC).rules
    except IgnoreFileError:
        return set()
    daemon = Matcher(rules, Dialect.CLASSIC, target)
    return {
        resolve_scoped(root, path) for path in (".dockerignore", dockerfile) if daemon.matches_or_parent(path)
    }


def _walk(
    directory: Path,
    state: DirState,
    matcher: Matcher,
    found: list[Arrival],
    linked: dict[tuple[int, int], int],
) -> None:
    """Append to ``found`` what is kept of a directory.

    ``linked``: the size with which the first name of a hard-linked file arrived, by device and inode.
    """
    with os.scandir(directory) as entries:
        ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    for entry in ordered:
        path = state.path + entry.name
        outcome = state.outcome(entry.name)
        status = entry.stat(follow_symlinks=False)
        kind = stat.filemode(status.st_mode)[0]
        if kind == "d":
            # An ignored directory arrives with the first thing kept below it.
            place = len(found)
            if not outcome.ignored:
                found.append(Arrival(path, kind, 0))
            try:
                _walk(directory / entry.name, state.child(entry.name, outcome), matcher, found, linked)
            finally:
                if outcome.ignored and len(found) > place:
                    found.insert(place, Arrival(path, kind, 0))
            if len(found) > place and matcher.dialect is Dialect.BUILDKIT:
                _check_transport(path, None)
        elif outcome.ignored:
            continue
        elif matcher.dialect is Dialect.BUILDKIT:
            _check_transport(path, directory / entry.name if kind == "l" else None)
            size = status.st_size if kind == "l" or (kind == "-" and not outcome.emptied) else 0
            if kind == "-" and status.st_nlink > 1:
                # All names after the first are sent as links to it: as empty as the first, or as full.
                size = linked.setdefault((status.st_dev, status.st_ino), size)
            found.append(Arrival(path, "-" if kind == "s" else kind, size))  # a socket: an empty file
        elif kind != "s":
            found.append(Arrival(path, kind, status.st_size if kind in "-l" else 0))


def _check_transport(path: str, link: Path | None) -> None:
    """Raise UsageError for a name or link target that BuildKit's protocol, which is UTF-8, can't carry."""
    for text in (path, os.readlink(link) if link else ""):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                "BuildKit can't transport a name that is not UTF-8",
                where=ascii(path),
                hint="ignore or rename it",
            ) from error
