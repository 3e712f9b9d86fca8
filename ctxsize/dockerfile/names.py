"""What the pure part of this package may ask about the context directory: names and kinds, no content."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, Protocol

from ctxsize.dockerfile.wildcard import has_wildcard, name_pattern, unescape

Kind = Literal["file", "dir", "link"]

_MAX_LINKS = 40


class ContextNames(Protocol):
    """A tree of names. Paths are relative, ``/``-separated; ``.`` is the root itself."""

    def kind(self, path: str) -> Kind | None:
        """What is there, symlinks not followed; None when nothing is. Special files are ``file``."""

    def readlink(self, path: str) -> str:
        """The target of a symlink, as written."""

    def entries(self, path: str) -> list[str]:
        """The names in a directory, in byte order; empty when it can't be read."""

    def is_archive(self, path: str) -> bool:
        """Whether ADD would unpack this regular file."""


class ContextDirectory:
    """ContextNames over a real directory, asked one lstat at a time and never all at once."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.fspath(root)
        self.is_archive = lru_cache(maxsize=256)(self._is_archive)

    def kind(self, path: str) -> Kind | None:
        try:
            mode = os.lstat(f"{self._root}/{path}").st_mode
        except (OSError, ValueError):
            return None
        return "dir" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "file"

    def readlink(self, path: str) -> str:
        return os.readlink(f"{self._root}/{path}")

    def entries(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(f"{self._root}/{path}"), key=os.fsencode)
        except OSError:
            return []

    def _is_archive(self, path: str) -> bool:
        full = f"{self._root}/{path}"
        try:
            if not stat.S_ISREG(os.lstat(full).st_mode):
                return False
            with open(full, "rb") as file:
                if file.read(4) == b"\x28\xb5\x2f\xfd":
                    return True  # zstd, which this Python can't look into
            import tarfile  # seldom needed, and slow to import

            return tarfile.is_tarfile(full)
        except OSError:
            return False


def resolve_links(names: ContextNames, path: str) -> str | None:
    """``path`` with every symlink in it followed, staying inside the context; None when nothing is there.

    A link that leads out of the context is read as if the context were the whole file system.
    """
    pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    done: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        here = "/".join([*done, part])
        kind = names.kind(here)
        if kind is None:
            return None
        if kind != "link":
            done.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            return None
        target = names.readlink(here)
        if target.startswith("/"):
            done.clear()
        pending.extend(reversed(target.split("/")))
    return "/".join(done) or "."


def matches(names: ContextNames, pattern: str) -> Iterator[str]:
    """The paths a source pattern stands for, in byte order: itself when it has no wildcard.

    As in BuildKit, a directory on the way may be a symlink only when its name is written literally.
    """
    yield from _matches(names, ".", pattern.split("/"))


def _matches(names: ContextNames, base: str, parts: list[str]) -> Iterator[str]:
    literal = 0
    while literal < len(parts) and not has_wildcard(parts[literal]):
        literal += 1
    base = posixpath.normpath(posixpath.join(base, *map(unescape, parts[:literal]))) if literal else base
    if literal == len(parts):
        if names.kind(base) is not None or resolve_links(names, base) is not None:
            yield base
        return
    directory = resolve_links(names, base)
    if directory is None or names.kind(directory) != "dir":
        return
    expression = name_pattern(parts[literal])
    rest = parts[literal + 1 :]
    for name in names.entries(directory):
        if expression.fullmatch(name):
            path = name if base == "." else f"{base}/{name}"
            if not rest:
                yield path
            elif names.kind(path) == "dir":
                yield from _matches(names, path, rest)
