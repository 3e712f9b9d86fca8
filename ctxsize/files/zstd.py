"""zstd, of the standard library, or of its backport where Python is older than 3.14."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from ctxsize.errors import UsageError

#: How a frame of zstd begins. Others are to be skipped: their first byte is any of 16.
_MAGIC, _SKIPPED, _SKIPPED_FIRST = b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18", range(0x50, 0x60)
#: How far back a frame may refer, as a power of two: 128 MiB of memory, which the zstd program and its
#: library allow when nobody says otherwise. Docker writes at most 32 MiB.
_MOST_WINDOW = 27
#: What is decompressed at a time: what of it lies behind a frame is copied for each, and a frame can have 8
#: bytes.
_PIECE = 1 << 14


def is_zstd(head: bytes) -> bool:
    """Whether data that begins with ``head``, of four bytes or more, is compressed with zstd."""
    return head[:4] == _MAGIC or (head[1:4] == _SKIPPED and head[0] in _SKIPPED_FIRST)


def unzstd(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Decompress one frame after the other, in pieces of ``most`` bytes at most, so that a small layer can't
    fill the memory.

    Raises tarfile.ReadError for what is damaged, cut off, or takes more memory than zstd gives by itself;
    UsageError for a Python without zstd.
    """
    zstd, options = _zstd()
    inside = None
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            pending = piece[start : start + _PIECE]
            while pending or (inside is not None and not inside.needs_input):
                inside = inside or zstd.ZstdDecompressor(options=options)
                try:
                    data = inside.decompress(pending, most)
                except zstd.ZstdError as error:
                    raise tarfile.ReadError(f"a compressed layer is damaged: {error}") from error
                if data:
                    yield data
                pending, inside = (inside.unused_data, None) if inside.eof else (b"", inside)
    if inside is not None:
        raise tarfile.ReadError("a compressed layer is cut off")


def open_zstd(file: BinaryIO) -> BinaryIO:
    """``file`` decompressed. Reading it raises EOFError for what is cut off, and OSError for what ``unzstd``
    takes for damaged. Raises UsageError for a Python without zstd."""
    zstd, options = _zstd()
    opened: BinaryIO = zstd.open(file, options=options)
    return opened


def _zstd() -> tuple[Any, dict[int, int]]:
    """The module, and the options of a decompressor."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as error:
        if sys.version_info >= (3, 14):
            hint = "install a Python that was built with it"
        else:
            hint = "pip install backports.zstd"
        raise UsageError("this is compressed with zstd, which this Python can't read", hint=hint) from error
    return zstd, {zstd.DecompressionParameter.window_log_max: _MOST_WINDOW}
