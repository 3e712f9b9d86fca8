"""A build context as a tar stream, for the classic builder.

Nothing is spooled: the stream is made while the tree is walked, in constant memory. What is in it is
what the official classic client sends (observed on the wire): owner and group 0 without names, whole
seconds, permission bits as they are, hard links to the first name of their inode, no sockets, and of
the extended attributes only ``security.capability``.

The format is GNU tar with long names as ``L``/``K`` records. BuildKit recognises an uploaded tar by its
first 1,024 bytes only, so the first record is always a plain header: when the first entry can't be one,
a ``./`` directory goes before it.
"""

from __future__ import annotations

import errno
import os
import stat as statmod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ctxsize.context.errors import changed, unreadable
from ctxsize.context.walk import Entry, OpenTree
from ctxsize.files.sent import SentTree
from ctxsize.files.tarlist import BLOCK, padded

_NAME_BYTES = 100
_OCTAL_LIMIT = 8**11  # a larger number of bytes or seconds is written in GNU's base 256
_CAPABILITY = "security.capability"
_NEW_FILE_MODE = 0o644
_GNU = b"ustar  \0"
_USTAR = b"ustar\x0000"

_REGULAR, _HARDLINK, _SYMLINK, _CHAR, _BLOCK_DEVICE, _DIRECTORY, _FIFO = (b"%d" % n for n in range(7))
# Of what has no content. A socket is not among them: tar has no record for it, nor does Docker send it.
_KINDS = {
    statmod.S_IFDIR: _DIRECTORY,
    statmod.S_IFLNK: _SYMLINK,
    statmod.S_IFIFO: _FIFO,
    statmod.S_IFCHR: _CHAR,
    statmod.S_IFBLK: _BLOCK_DEVICE,
}


def tar_stream(
    entries: Iterable[Entry],
    root: Path | str,
    *,
    extra: Mapping[str, bytes] | None = None,
    appended: Mapping[str, bytes] | None = None,
    chunk: int = 1 << 18,
    sent: Callable[[str, int], None] | None = None,
    record: SentTree | None = None,
) -> Iterator[bytes]:
    """Yield the tar of ``entries`` (a :func:`ctxsize.context.walk.walk` of ``root``) in parts of about
    ``chunk`` bytes.

    ``extra`` are files (path → content) that are sent first, each in place of any entry of that path, whose
    mode it keeps if that is a file: a Dockerfile from outside the context, or one that was rewritten for a
    measurement. ``appended`` are bytes sent at the end of a file's own content.
    ``sent(path, bytes)`` is called once per entry, after its last byte was handed over or buffered, with
    the bytes it took in the stream: header, content and padding. ``record`` is told what is sent of the
    tree.

    A file is sent as it is when it is opened: what it grows by meanwhile is left out, and so is a file that
    vanishes after it was listed, as the official client leaves them out. Raises
    :class:`ctxsize.context.errors.ContextError` naming the file when it can't be read, or when it shrinks
    while it is sent, which ends the official client's build: the stream never holds padding.
    """
    with OpenTree(root) as tree:
        yield from _Stream(tree, chunk, sent, appended or {}, record).parts(entries, extra or {})


class _Stream:
    """The state of one tar stream: what is buffered, and which names hard links may refer to."""

    def __init__(
        self,
        tree: OpenTree,
        chunk: int,
        sent: Callable[[str, int], None] | None,
        appended: Mapping[str, bytes],
        record: SentTree | None,
    ) -> None:
        self._tree = tree
        self._chunk = chunk
        self._sent = sent
        self._appended = appended
        self._record = record
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._first = True
        # Names that were replaced or vanished; and for the inodes whose first name is one of them, the
        # name that their other links refer to instead.
        self._missing: set[str] = set()
        self._moved: dict[tuple[int, int], str] = {}

    def parts(self, entries: Iterable[Entry], extra: Mapping[str, bytes]) -> Iterator[bytes]:
        for path, content in extra.items():
            wire = self._header(path, _REGULAR, self._mode_of(path), 0, size=len(content))
            yield from self._add(content)
            yield from self._pad(len(content))
            self._report(path, wire + padded(len(content)))
            self._missing.add(path)
        for entry in entries:
            if entry.path not in extra:
                yield from self._entry(entry)
        yield from self._add(bytes(2 * BLOCK))
        yield from self._flush()

    def _entry(self, entry: Entry) -> Iterator[bytes]:
        mode = entry.stat.st_mode
        if statmod.S_ISREG(mode):
            link = entry.hardlink_to
            if entry.path in self._appended:
                # Its content is its own now: other names of the inode need one that still has theirs.
                self._missing.add(entry.path)
                link = None
            elif link is not None and link in self._missing:
                inode = (entry.stat.st_dev, entry.stat.st_ino)
                link = self._moved.get(inode)
                if link is None or link in self._missing:
                    link = None
                    self._moved[inode] = entry.path
            if link is None:
                yield from self._file(entry)
                return
            wire = self._plain(entry, _HARDLINK, link)
        else:
            kind = _KINDS.get(statmod.S_IFMT(mode))
            if kind is None:
                return
            wire = self._plain(entry, kind, entry.target or "")
        self._recorded(entry.path, entry.stat, entry.bytes)
        if self._record is not None and statmod.S_ISREG(mode):
            # Nothing was sent for it, and a step that writes it again writes all of it.
            self._record.also(entry.path, entry.stat.st_size)
        self._report(entry.path, wire)
        if self._buffered >= self._chunk:
            yield from self._flush()

    def _recorded(self, path: str, st: os.stat_result, size: int) -> None:
        if self._record is not None:
            self._record.add(path, size, st.st_ctime_ns)

    def _mode_of(self, path: str) -> int:
        """The mode of the file that ``path`` replaces, or that of a new one."""
        st = self._tree.lstat(path)
        return st.st_mode if st is not None and statmod.S_ISREG(st.st_mode) else _NEW_FILE_MODE

    def _plain(self, entry: Entry, kind: bytes, link: str = "") -> int:
        """Buffer the header of an entry without content; returns the bytes it took."""
        st = entry.stat
        path = entry.path + "/" if kind == _DIRECTORY else entry.path
        device = st.st_rdev if kind in (_CHAR, _BLOCK_DEVICE) else 0
        return self._header(path, kind, st.st_mode, int(st.st_mtime), link=link, device=device)

    def _file(self, entry: Entry) -> Iterator[bytes]:
        path = entry.path
        try:
            fd = self._tree.open_file(path)
        except FileNotFoundError:
            self._missing.add(path)
            return
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise changed(self._tree.shown(path), "became a symbolic link") from error
            if error.errno == errno.ENOTDIR:
                raise changed(self._tree.shown(path), "lost the directory it was in") from error
            raise unreadable(self._tree.shown(path), error) from error
        try:
            st = os.fstat(fd)
            if not statmod.S_ISREG(st.st_mode):
                raise changed(self._tree.shown(path), "became something else than a file")
            own = 0 if entry.emptied else st.st_size
            tail = b"" if entry.emptied else self._appended.get(path, b"")
            size = own + len(tail)
            wire = self._header(
                path, _REGULAR, st.st_mode, int(st.st_mtime), size=size, capability=_capability(fd)
            )
            if own:
                yield from self._content(fd, path, own)
            if tail:
                yield from self._add(tail)
            yield from self._pad(size)
            self._recorded(path, st, size)
            self._report(path, wire + padded(size))
            if self._buffered >= self._chunk:
                yield from self._flush()
        except OSError as error:
            raise unreadable(self._tree.shown(path), error) from error
        finally:
            os.close(fd)

    def _content(self, fd: int, path: str, size: int) -> Iterator[bytes]:
        """The first ``size`` bytes of ``fd``."""
        left = size
        while left:
            data = os.read(fd, min(left, self._chunk))
            if not data:
                raise changed(self._tree.shown(path), f"lost {left:,} of its {size:,} bytes")
            left -= len(data)
            yield from self._add(data)

    def _add(self, data: bytes) -> Iterator[bytes]:
        if len(data) >= self._chunk // 2:
            yield from self._flush()
            yield data
            return
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered >= self._chunk:
            yield from self._flush()

    def _pad(self, size: int) -> Iterator[bytes]:
        rest = -size % BLOCK
        if rest:
            yield from self._add(bytes(rest))

    def _flush(self) -> Iterator[bytes]:
        if self._buffer:
            data = b"".join(self._buffer)
            self._buffer.clear()
            self._buffered = 0
            yield data

    def _report(self, path: str, wire: int) -> None:
        if self._sent is not None:
            self._sent(path, wire)

    def _header(
        self,
        path: str,
        kind: bytes,
        mode: int,
        mtime: int,
        *,
        size: int = 0,
        link: str = "",
        device: int = 0,
        capability: bytes | None = None,
    ) -> int:
        """Buffer the header records of one entry; returns their bytes."""
        name, target = os.fsencode(path), os.fsencode(link)
        records = b""
        if capability is not None:
            records += _pax({b"SCHILY.xattr." + _CAPABILITY.encode(): capability})
        if len(name) > _NAME_BYTES:
            records += _long(b"L", name)
        if len(target) > _NAME_BYTES:
            records += _long(b"K", target)
        if self._first and records:
            records = _block(b"./", _DIRECTORY, 0o755, mtime) + records
        self._first = False
        records += _block(name[:_NAME_BYTES], kind, mode, mtime, size, target[:_NAME_BYTES], device)
        self._buffer.append(records)
        self._buffered += len(records)
        return len(records)


def _capability(fd: int) -> bytes | None:
    try:
        return os.getxattr(fd, _CAPABILITY)
    except OSError:  # it has none, or the file system knows none
        return None


def _block(
    name: bytes,
    kind: bytes,
    mode: int,
    mtime: int,
    size: int = 0,
    link: bytes = b"",
    device: int = 0,
    magic: bytes = _GNU,
) -> bytes:
    """One 512-byte header block."""
    devices = b"%07o\0%07o\0" % (os.major(device), os.minor(device)) if device else b""
    head = b"%b%07o\x000000000\x000000000\0%b%b" % (
        name.ljust(_NAME_BYTES, b"\0"),
        mode & 0o7777,
        _number(size),
        _number(mtime),
    )
    tail = b"%b%b%b%b%b" % (kind, link.ljust(_NAME_BYTES, b"\0"), magic, bytes(64), devices)
    checksum = sum(head) + sum(tail) + 8 * 32  # the checksum field itself counts as eight spaces
    return (b"%b%06o\0 %b" % (head, checksum, tail)).ljust(BLOCK, b"\0")


def _number(value: int) -> bytes:
    """A 12-byte number field: octal where it fits, else GNU's base 256 (also for times before 1970)."""
    if 0 <= value < _OCTAL_LIMIT:
        return b"%011o\0" % value
    if value >= 0:
        return b"\x80" + value.to_bytes(11, "big")
    return b"\xff" + value.to_bytes(11, "big", signed=True)


def _long(kind: bytes, value: bytes) -> bytes:
    """GNU's record for a name (``L``) or link target (``K``) of more than 100 bytes."""
    data = value + b"\0"
    return _block(b"././@LongLink", kind, 0, 0, len(data)) + data.ljust(padded(len(data)), b"\0")


def _pax(values: dict[bytes, bytes]) -> bytes:
    """A PAX extended header, for what GNU tar has no record for."""
    data = b""
    for key, value in values.items():
        rest = b" %b=%b\n" % (key, value)
        length = len(rest)
        while length != len(rest) + len(str(length)):
            length = len(rest) + len(str(length))
        data += b"%d%b" % (length, rest)
    head = _block(b"PaxHeaders.0/ctxsize", b"x", 0o644, 0, len(data), magic=_USTAR)
    return head + data.ljust(padded(len(data)), b"\0")
