"""Reading a tar that nobody vouches for, as a stream: names, kinds and sizes, and content on request.

Nothing is extracted and memory does not grow with the archive, whatever its headers claim. Python's tarfile,
which reads more formats, takes headers of any size into memory, recurses from header to header, searches
them in quadratic time and takes a damaged header for the end. What is understood is what Go's archive/tar
(read), and so Docker, does: ustar, GNU and PAX headers, with its limit for long ones.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol
from zlib import adler32

BLOCK = 512
#: Bytes of a long name, or of a PAX header; Go's archive/tar has the same limit.
MOST_SPECIAL = 1 << 20
#: Bytes of a path, or of what a link names: Linux makes none that is longer (PATH_MAX). They are kept, and
#: compressed they cost next to nothing.
MOST_NAME = 4096
#: Small enough for the offset behind such a file, and the sum of many, to be a 64-bit number.
_LARGEST = 1 << 60
_SKIP = 1 << 18
_ZEROS = bytes(BLOCK)
#: What stands for a header's checksum where it is added up.
_BLANK = b" " * 8
_BLANKS = sum(_BLANK)
_FIELDS = frozenset(b"path linkpath size GNU.sparse.name GNU.sparse.realsize GNU.sparse.size".split())

Kind = Literal["file", "directory", "symlink", "hardlink", "other"]
_KINDS: dict[bytes, Kind] = {
    **dict.fromkeys((b"0", b"\0", b"7", b"S"), "file"),
    b"1": "hardlink",
    b"2": "symlink",
    b"5": "directory",
}
#: What most entries are.
_USUAL = frozenset((b"0", b"5"))
#: Without content, whatever size their headers name.
_BARE = frozenset(b"%d" % number for number in range(1, 7))


class Readable(Protocol):
    """What a tar is read from."""

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, or less at the end."""


class TarEntry(NamedTuple):
    """One entry. ``size`` is the file's, in bytes; ``link`` what a link names.

    Its headers and content are the bytes of the stream from ``start`` to ``stop``. ``meta`` are the fields of
    its header that say mode, owner, group and time, as they stand there (``changed_meta`` compares them).
    """

    name: str
    kind: Kind
    size: int
    link: str
    start: int
    stop: int
    meta: bytes = b""


class RawEntry(NamedTuple):
    """A TarEntry with the bytes of its names as they stand there: an image can have millions."""

    name: bytes
    kind: Kind
    size: int
    link: bytes
    start: int
    stop: int
    meta: bytes


class TarReader:
    """The entries of a tar, in order; ``read`` gives the content of the one that came last. The source is
    read ahead of that.

    Raises tarfile.ReadError for what is damaged or cut off.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._ahead = b""  # bytes of the stream that were read
        self._base = 0  # where in the stream they begin
        self._used = 0  # how many of them are taken
        self._end = 0  # where the content of the current entry ends
        self._next = 0  # where the next header is

    def __iter__(self) -> Iterator[TarEntry]:
        for name, kind, size, link, start, stop, meta in self.entries():
            yield TarEntry(
                name.decode("utf-8", "surrogateescape"),
                kind,
                size,
                link.decode("utf-8", "surrogateescape") if link else "",
                start,
                stop,
                meta,
            )

    def entries(self) -> Iterator[RawEntry]:
        """The same in bytes."""
        while (entry := self._plain() or self._entry()) is not None:
            yield entry

    def read(self, size: int = -1) -> bytes:
        """Content of the current entry: ``size`` bytes, less at its end; all of it by default."""
        left = self._end - self._base - self._used
        return self._take(left if size < 0 or size > left else size)

    def _entry(self) -> RawEntry | None:
        """The next entry, behind the headers that belong to it."""
        start = self._next
        self._skip_to(start)
        name = link = b""
        pax: dict[bytes, bytes] = {}
        while (block := self._header()) is not None:
            kind, size = block[156:157], _number(block[124:136])
            if kind in (b"L", b"K"):
                text = self._special(size).split(b"\0", 1)[0]
                name, link = (text, link) if kind == b"L" else (name, text)
            elif kind in (b"x", b"X"):
                pax = _pax(self._special(size))
            elif kind == b"g":
                self._skip_to(self._base + self._used + padded(size))  # Docker makes nothing of it
            else:
                return self._made(block, size, start, name, link, pax)
        if self._base + self._used - start > BLOCK:
            raise tarfile.ReadError("a tar ends behind a header that belongs to a file")
        return None

    def _plain(self) -> RawEntry | None:
        """The next entry where it is a file or a directory that one header tells all of, as most are, and
        that was read already; None where it is not as plain as that."""
        start = self._next
        at = start - self._base
        block = self._ahead[at : at + BLOCK]
        kind = block[156:157]
        if kind not in _USUAL or len(block) < BLOCK or block[154]:
            return None
        try:
            size = int(block[124:135], 8)
            if int(block[148:154], 8) != _sum(block) or not 0 <= size <= _LARGEST or block[135] & ~32:
                return None
        except ValueError:
            return None
        name = _text(block[:100])
        if block[345] and block[257:263] == b"ustar\0":
            name = _text(block[345:500]) + b"/" + name
        self._used = at + BLOCK
        self._end = self._next = start + BLOCK
        if kind == b"0":
            self._end += size
            self._next = self._end + -size % BLOCK
        else:
            size = 0
        link = _text(block[157:257]) if block[157] else b""
        meta = block[100:124] + block[136:148]
        return RawEntry(name, _KINDS[kind], size, link, start, self._next, meta)

    def _made(
        self, block: bytes, size: int, start: int, name: bytes, link: bytes, pax: dict[bytes, bytes]
    ) -> RawEntry:
        kind = block[156:157]
        stored = _decimal(pax[b"size"]) if b"size" in pax else size
        size = stored
        if kind == b"S":
            size = _number(block[483:495])
            more = block[482]
            while more:
                more = self._take_all(BLOCK)[504]
        own = _text(block[:100])
        if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
            own = prefix + b"/" + own
        own = name or own
        if pax:
            for field in (b"GNU.sparse.realsize", b"GNU.sparse.size"):
                if field in pax:
                    size = _decimal(pax[field])
            own = pax.get(b"GNU.sparse.name") or pax.get(b"path") or own
        if kind in _BARE:
            stored = 0
        what = _KINDS.get(kind, "other")
        if kind == b"\0" and own.endswith(b"/"):
            what = "directory"
        here = self._base + self._used
        self._end = here + stored
        self._next = here + padded(stored)
        target = pax.get(b"linkpath") or link or _text(block[157:257])
        if len(own) > MOST_NAME or len(target) > MOST_NAME:
            raise tarfile.ReadError(f"a tar has a name of more than {MOST_NAME} bytes")
        meta = block[100:124] + block[136:148]
        return RawEntry(own, what, size if what == "file" else 0, target, start, self._next, meta)

    def _header(self) -> bytes | None:
        """The next header block; None at the end of the archive."""
        block = self._take(BLOCK)
        if not block or block == _ZEROS:
            return None
        if len(block) < BLOCK:
            raise tarfile.ReadError("a tar is cut off in a header")
        given = _number(block[148:156])
        if given != _sum(block):
            # Some old programs added the bytes up as signed ones.
            rest = block[:148] + _BLANK + block[156:]
            if given != _sum(block) - 256 * sum(byte > 127 for byte in rest):
                raise tarfile.ReadError("a tar has a damaged header")
        return block

    def _special(self, size: int) -> bytes:
        if size > MOST_SPECIAL:
            raise tarfile.ReadError(f"a tar has a header of {size} bytes; {MOST_SPECIAL} is the most")
        return self._take_all(padded(size))[:size]

    def _take(self, size: int) -> bytes:
        """The next ``size`` bytes of the stream, less at its end."""
        end = self._used + size
        data = self._ahead[self._used : end]
        if len(data) == size:  # as most: headers and small files
            self._used = end
            return data
        parts, wanted = [data], size - len(data)
        while wanted:
            self._refill()
            if not self._ahead:
                break
            parts.append(self._ahead[:wanted])
            self._used = len(parts[-1])
            wanted -= self._used
        return b"".join(parts)

    def _refill(self) -> None:
        """Read on, when all that was read before is taken; at the end there is nothing then."""
        self._base += len(self._ahead)
        self._ahead, self._used = self._source.read(_SKIP), 0

    def _take_all(self, size: int) -> bytes:
        data = self._take(size)
        if len(data) < size:
            raise tarfile.ReadError("a tar is cut off")
        return data

    def _skip_to(self, offset: int) -> None:
        while (used := offset - self._base) > len(self._ahead):
            self._refill()
            if not self._ahead:
                raise tarfile.ReadError("a tar is cut off")
        self._used = used


def _sum(block: bytes) -> int:
    """The sum of the bytes of a header, those of its checksum as blanks. The lower half of an Adler-32
    checksum is that sum, modulo 65,521 and beginning at 1: more than half a block can't come to, in a tenth
    of the time that sum() takes."""
    first, last = adler32(block[:148]) & 0xFFFF, adler32(block[256:]) & 0xFFFF
    return first + (adler32(block[156:256]) & 0xFFFF) + last - 3 + _BLANKS


def padded(size: int) -> int:
    """The bytes that content of ``size`` bytes takes in a tar."""
    return size + -size % BLOCK


def changed_meta(before: bytes, after: bytes) -> tuple[str, ...]:
    """What differs between the ``meta`` of two entries: ``mode``, ``owner`` (user or group), ``time``. What
    is no number differs when its bytes do."""
    if before == after:
        return ()
    fields = (("mode", (slice(0, 8),)), ("owner", (slice(8, 16), slice(16, 24))), ("time", (slice(24, 36),)))
    return tuple(name for name, parts in fields if any(_differs(before[at], after[at]) for at in parts))


def _differs(before: bytes, after: bytes) -> bool:
    if before == after:
        return False
    try:
        return _number(before) != _number(after)  # writers differ in how they fill the field
    except (tarfile.ReadError, IndexError):
        return True


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _number(field: bytes) -> int:
    """A number field: octal digits, or big-endian bytes behind a first byte of 0x80. Never negative."""
    first = field[0]
    if first & 0x80:
        if first & 0x40:
            raise tarfile.ReadError("a tar has a negative number in a header")
        return _bounded(int.from_bytes(bytes([first & 0x3F]) + field[1:], "big"))
    try:
        value = int(field.split(b"\0", 1)[0].strip(b" ") or b"0", 8)
    except ValueError as error:
        raise tarfile.ReadError("a tar has a number in a header that is none") from error
    return value if 0 <= value <= _LARGEST else _bounded(value)


def _decimal(field: bytes) -> int:
    if not field.isdigit() or len(field) > 19:
        raise tarfile.ReadError("a tar has a number in a header that is none")
    return _bounded(int(field))


def _bounded(value: int) -> int:
    if not 0 <= value <= _LARGEST:
        raise tarfile.ReadError("a tar has a number in a header that no file can have")
    return value


def _pax(data: bytes) -> dict[bytes, bytes]:
    """The records of a PAX header that say something of names and sizes: ``LENGTH KEY=VALUE`` and a line
    end, LENGTH counting all of it."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 9)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        equals = data.find(b"=", space, end)
        if end > len(data) or equals < 0 or data[end - 1 : end] != b"\n":
            raise tarfile.ReadError("a tar has a damaged PAX header")
        key = data[space + 1 : equals]
        if key in _FIELDS:
            value = found[key] = data[equals + 1 : end - 1]
            if b"\0" in value:  # no file can have such a name; Go's archive/tar refuses it, too
                raise tarfile.ReadError("a tar has a null byte in a PAX header")
        at = end
    return found
