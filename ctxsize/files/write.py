"""Writing a file of ours where the user wants it: whole or not at all, and never through a link.

Whoever wrote the tree we work in may have put a link where a report is to go, or in place of a directory on
the way there. So below the current directory no link is followed, and a name that is a link itself is refused
everywhere. Other directories are the user's own, links and all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from typing import BinaryIO

from ctxsize.files.beneath import Beneath

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A stream, and what is written to it is the content of the file ``path`` when the block ends.

    Until then, and if the block raises, what was there stays. A new file gets ``mode``, by default what the
    umask leaves; one that is replaced keeps its mode and, where we may, its owner. ``/dev/stdout``,
    ``/dev/stderr``, ``/dev/null``, ``/dev/fd/N`` and pipes are written to as they are. Raises OSError.
    """
    file = _checked(path)
    if (stream := _as_it_is(file)) is not None:
        with stream:
            yield stream
        return
    directory, name = _parent(file)
    try:
        before = _status(name, directory)
        if before is not None and stat.S_ISFIFO(before.st_mode):
            with open(
                os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory), "wb"
            ) as stream:
                yield stream
            return
        _refuse_unless_regular(before)
        temporary = f".ctxsize-{os.urandom(8).hex()}.tmp"
        descriptor = os.open(temporary, _NEW, 0o666 if mode is None else mode, dir_fd=directory)
        try:
            with open(descriptor, "wb") as stream:
                if before is not None and mode is None:
                    _keep(descriptor, before)
                yield stream
            os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            raise
    finally:
        os.close(directory)


def append(path: str | os.PathLike[str], data: bytes) -> None:
    """Add ``data`` to the end of a file that others write to as well, or make it. Raises OSError, and then
    the file is as long as it was."""
    file = _checked(path)
    directory, name = _parent(file)
    try:
        _refuse_unless_regular(_status(name, directory))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(name, flags, 0o666, dir_fd=directory), "wb", buffering=0) as stream:
            length = os.fstat(stream.fileno()).st_size
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[stream.write(rest) :]
            except OSError:
                os.ftruncate(stream.fileno(), length)
                raise
    finally:
        os.close(directory)


def _checked(path: str | os.PathLike[str]) -> str:
    """The path as text. Raises OSError for what no file can be called."""
    file = os.fspath(path)
    try:
        if "\0" not in file and os.fsencode(file):
            return file
    except UnicodeEncodeError:
        pass
    raise OSError(errno.EINVAL, "no file can have this name")


def _as_it_is(file: str) -> BinaryIO | None:
    """A stream for a name that stands for something open, None for any other."""
    found = _DESCRIPTOR.fullmatch(file)
    number = int(found[1]) if found else _STREAMS.get(file)
    if number is not None:
        if number == 1:
            sys.stdout.flush()
        return open(os.dup(number), "wb")
    return open(file, "wb") if file == os.devnull else None


def _parent(file: str) -> tuple[int, str]:
    """A descriptor of the directory ``file`` is in, and its name there."""
    directory, name = os.path.split(file)
    if name in ("", ".", ".."):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    below = _below_here(directory)
    if below is None:
        return os.open(directory, _DIRECTORY), name
    parts = [part for part in os.path.normpath(below or ".").split("/") if part != "."]
    up = [part for part in parts if part == ".."]
    start = Beneath("/".join(up) or ".")
    try:
        return start.open_directory("/".join(parts[len(up) :])), name
    except NotADirectoryError as error:
        raise OSError(errno.ENOTDIR, "not a directory, and links in its place are not followed") from error
    finally:
        start.close()


def _below_here(directory: str) -> str | None:
    """``directory`` from the current one; None for an absolute path that does not lead through that."""
    if not os.path.isabs(directory):
        return directory
    parts = directory.split("/")
    for end in range(len(parts), 0, -1):
        with contextlib.suppress(OSError):
            if os.path.samefile("/".join(parts[:end]) or "/", "."):
                return "/".join(parts[end:])
    return None


def _status(name: str, directory: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _refuse_unless_regular(found: os.stat_result | None) -> None:
    if found is None or stat.S_ISREG(found.st_mode):
        return
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "it is a link, and nothing is written through links")
    raise OSError(errno.EINVAL, "it is not a regular file")


def _keep(descriptor: int, before: os.stat_result) -> None:
    """Give a file the owner and the mode of the one it replaces."""
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid):
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, before.st_mode & 0o777)
