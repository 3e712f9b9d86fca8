"""zstd as a stream: frame after frame, what is to be skipped, and what no layer should be."""

from __future__ import annotations

import io
import struct
import sys
import tarfile
import tracemalloc
from collections.abc import Iterator

import pytest

from ctxsize.errors import UsageError
from ctxsize.files.zstd import is_zstd, open_zstd, unzstd
from tests.support.zstd import zstd

TEXT = b"".join(b"line %d\n" % number for number in range(20_000))
SKIPPED = struct.pack("<II", 0x184D2A5E, 5) + b"index"
EMPTY = zstd.compress(b"")
MB = 1 << 20


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 700, 1 << 20])
def test_frames_one_after_the_other_and_those_to_skip(size: int) -> None:
    data = SKIPPED + zstd.compress(TEXT) + EMPTY + SKIPPED + zstd.compress(TEXT, 19) + SKIPPED
    assert is_zstd(data)
    assert is_zstd(data[len(SKIPPED) :])
    found = list(unzstd(pieces(data, size), 1000))
    assert b"".join(found) == TEXT * 2
    assert max(map(len, found)) <= 1000


def test_what_is_cut_off_is_no_shorter_layer() -> None:
    data = zstd.compress(TEXT)
    for length in (5, len(data) // 2, len(data) - 1):
        with pytest.raises(tarfile.ReadError, match="cut off"):
            list(unzstd(iter((data[:length],)), MB))
        with pytest.raises(EOFError):
            open_zstd(io.BytesIO(data[:length])).read()


@pytest.mark.parametrize("damage", [b"no frame", b"\0" * 8])
def test_what_is_behind_a_frame_must_be_one(damage: bytes) -> None:
    with pytest.raises(tarfile.ReadError, match="damaged"):
        list(unzstd(iter((zstd.compress(TEXT) + damage,)), MB))


def test_a_frame_that_takes_more_memory_than_zstd_gives_is_refused() -> None:
    """The header alone says how far back the frame may refer; 128 MiB are fine."""

    def reaching(log: int) -> bytes:
        # Magic number; no size, no checksum; the window; an empty last block.
        return b"\x28\xb5\x2f\xfd\0" + bytes([(log - 10) << 3]) + b"\1\0\0"

    assert list(unzstd(iter((reaching(27),)), MB)) == []
    for log in (28, 31, 41):
        with pytest.raises(tarfile.ReadError, match="too much memory"):
            list(unzstd(iter((reaching(log),)), MB))


def test_a_bomb_comes_in_small_pieces() -> None:
    bomb = zstd.compress(bytes(100 * MB))
    tracemalloc.start()
    try:
        assert sum(map(len, unzstd(iter((bomb,)), 1 << 18))) == 100 * MB
        assert tracemalloc.get_traced_memory()[1] < 2 * MB
    finally:
        tracemalloc.stop()


def test_very_many_frames_are_not_copied_over_and_over() -> None:
    """What lies behind a frame is copied for each one: of a piece of 16 kB, whatever comes at once."""
    data = EMPTY * 100_000

    class Counted(bytes):
        copied = 0

        def __getitem__(self, key: slice) -> bytes:  # type: ignore[override]
            part = super().__getitem__(key)
            Counted.copied = max(Counted.copied, len(part))
            return part

    assert list(unzstd(iter((Counted(data),)), MB)) == []
    assert Counted.copied <= 1 << 14


def test_a_python_without_zstd_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports", "compression"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError) as error:
        list(unzstd(iter((EMPTY,)), MB))
    assert str(error.value).startswith("this is compressed with zstd, which this Python can't read (")
