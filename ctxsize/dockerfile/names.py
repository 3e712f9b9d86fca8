"""What the pure part of this package may ask about the context directory: names and kinds, no content."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from importlib import import_module
from typing import BinaryIO, Literal, NamedTuple

from ctxsize.dockerfile.wildcard import has_wildcard, name_pattern, unescape
from ctxsize.files.beneath import Beneath
from ctxsize.files.links import follow

Kind = Literal["file", "dir", "link"]

_MAX_LINKS = 40
# As many directories as fit into a path.
_DEEPEST = 2048
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "lzma"}


class ContextDirectory:
    """A tree of names, asked one lstat at a time and never all at once.

    Paths are relative, ``/``-separated; ``.`` is the root itself.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.fspath(root)
        self.is_archive = lru_cache(maxsize=256)(self._is_archive)

    def kind(self, path: str) -> Kind | None:
        """What is there, symlinks not followed; None when nothing is. Special files are ``file``."""
        try:
            mode = os.lstat(f"{self._root}/{path}").st_mode
        except (OSError, ValueError):
            return None
        return "dir" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "file"

    def readlink(self, path: str) -> str:
        """The target of a symlink, as written."""
        return os.readlink(f"{self._root}/{path}")

    def entries(self, path: str) -> list[str]:
        """The names in a directory, in byte order; empty when it can't be read."""
        try:
            return sorted(os.listdir(f"{self._root}/{path}"), key=os.fsencode)
        except OSError:
            return []

    def _is_archive(self, path: str) -> bool:
        """Whether ADD would unpack this regular file."""
        try:
            with closing(Beneath(self._root)) as tree:
                if not stat.S_ISREG(tree.lstat(path).st_mode):
                    return False
                fd = tree.open(path, os.O_RDONLY | os.O_NONBLOCK)
            with open(fd, "rb") as file:
                return _is_tar(file)
        except (OSError, ValueError):
            return False


def _is_tar(file: BinaryIO) -> bool:
    """Whether the file begins like a tar, compressed or not. The tarfile module would take a header of
    gigabytes into memory, and fail on a chain of them."""
    # Seldom needed, and slow to import.
    import tarfile
    import zlib
    from lzma import LZMAError

    from ctxsize.files.tarlist import TarReader
    from ctxsize.files.zstd import is_zstd, open_zstd

    magic = file.read(6)
    file.seek(0)
    module = next((name for start, name in _COMPRESSED.items() if magic.startswith(start)), None)
    try:
        source = open_zstd(file) if is_zstd(magic) else import_module(module).open(file) if module else file
        return next(iter(TarReader(source)), None) is not None
    except (OSError, EOFError, zlib.error, LZMAError, tarfile.ReadError):
        return False


def resolve_links(names: ContextDirectory, path: str) -> str | None:
    """``path`` with every symlink in it followed, staying inside the context; None when nothing is there.

    A link that leads out of the context is read as if the context were the whole file system.
    """

    def target(here: str) -> str | None:
        kind = names.kind(here)
        if kind is None:
            raise FileNotFoundError(here)
        return names.readlink(here) if kind == "link" else None

    try:
        real = follow(path, target, _MAX_LINKS)
    except FileNotFoundError:
        return None
    return real if real is None else real or "."


def matches(names: ContextDirectory, pattern: str) -> Iterator[str]:
    """The paths a source pattern stands for, in byte order: itself when it has no wildcard.

    As in BuildKit, a directory on the way may be a symlink only when its name is written literally.
    """
    parts = pattern.split("/")
    if len(parts) > _DEEPEST:
        return
    # A stack rather than recursion: trees can be deeper than Python's stack.
    stack = [_step(names, ".", parts)]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
        elif step.rest:
            stack.append(_step(names, step.path, step.rest))
        else:
            yield step.path


class _Step(NamedTuple):
    """A path that matches so far, and the parts of the pattern for what is below it."""

    path: str
    rest: list[str]


def _step(names: ContextDirectory, base: str, parts: list[str]) -> Iterator[_Step]:
    """What matches ``parts`` below ``base`` up to the first of them that is a wildcard."""
    literal = 0
    while literal < len(parts) and not has_wildcard(parts[literal]):
        literal += 1
    base = posixpath.normpath(posixpath.join(base, *map(unescape, parts[:literal]))) if literal else base
    if literal == len(parts):
        if names.kind(base) is not None or resolve_links(names, base) is not None:
            yield _Step(base, [])
        return
    # A match of a wildcard is a directory itself; what was written may lead through links.
    directory = resolve_links(names, base) if literal else base
    if directory is None or names.kind(directory) != "dir":
        return
    expression = name_pattern(parts[literal])
    rest = parts[literal + 1 :]
    for name in names.entries(directory):
        if expression.fullmatch(name):
            path = name if base == "." else f"{base}/{name}"
            if not rest or names.kind(path) == "dir":
                yield _Step(path, rest)
