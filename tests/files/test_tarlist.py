"""A tar read as a stream: what Python's tarfile and GNU tar write is read as they mean it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from ctxsize.files.tarlist import MOST_NAME, MOST_SPECIAL, TarReader

LONG = "d/" * 100 + "é" * 60


def archive(format_: int, *members: tarfile.TarInfo) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=format_, errors="surrogateescape") as made:
        for member in members:
            made.addfile(member, io.BytesIO(bytes(member.size)) if member.isreg() else None)
    return data.getvalue()


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, link
    return made


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_sizes_and_links(format_: int) -> None:
    data = archive(
        format_,
        member("a", 5),
        member("dir", kind=tarfile.DIRTYPE),
        member(LONG, 700),
        member("soft", kind=tarfile.SYMTYPE, link=LONG),
        member("hard", kind=tarfile.LNKTYPE, link="a"),
        member("fifo", kind=tarfile.FIFOTYPE),
        member("not utf-8 \udcff", 1),
    )

    entries = list(TarReader(io.BytesIO(data)))

    assert [(e.name.rstrip("/"), e.kind, e.size, e.link) for e in entries] == [
        ("a", "file", 5, ""),
        ("dir", "directory", 0, ""),
        (LONG, "file", 700, ""),
        ("soft", "symlink", 0, LONG),
        ("hard", "hardlink", 0, "a"),
        ("fifo", "other", 0, ""),
        ("not utf-8 \udcff", "file", 1, ""),
    ]
    assert [e.start for e in entries] == [0, *(e.stop for e in entries[:-1])]


def test_content_is_there_until_the_next_entry() -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        for content in (b"first", b"second"):
            info = member(content.decode(), len(content))
            made.addfile(info, io.BytesIO(content))
    reader = TarReader(io.BytesIO(data.getvalue()))

    assert [(entry.name, reader.read(3), reader.read(), reader.read()) for entry in reader] == [
        ("first", b"fir", b"st", b""),
        ("second", b"sec", b"ond", b""),
    ]


@pytest.mark.parametrize("format_", ["gnu", "oldgnu", "pax", "ustar", "v7"])
def test_what_gnu_tar_writes(format_: str, tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        for at in range(0, 40 << 20, 1 << 20):
            file.seek(at)
            file.write(b"x")
    (tmp_path / "plain").write_bytes(bytes(513))
    sparse = ["--sparse"] if format_ in ("gnu", "oldgnu", "pax") else []
    command = ["tar", "-c", f"--format={format_}", *sparse, "-C", tmp_path, "plain", "sparse"]
    data = subprocess.run(command, capture_output=True, check=True).stdout

    found = [(entry.name, entry.kind, entry.size) for entry in TarReader(io.BytesIO(data))]

    assert found == [("plain", "file", 513), ("sparse", "file", (tmp_path / "sparse").stat().st_size)]


PLAIN = archive(tarfile.GNU_FORMAT, member("a", 5))


def header(**fields: bytes) -> bytes:
    """A header block with fields replaced, its sum made right again."""
    places = {"kind": (156, 1), "size": (124, 12), "name": (0, 100)}
    block = bytearray(PLAIN[:512])
    for field, value in fields.items():
        start, size = places[field]
        block[start : start + size] = value.ljust(size, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def special(kind: bytes, data: bytes) -> bytes:
    return header(kind=kind, size=b"%011o" % len(data)) + data.ljust(-(-len(data) // 512) * 512, b"\0")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (PLAIN[:300], "cut off in a header"),
        (PLAIN[:600], "cut off"),
        (PLAIN[:1024] + b"z" + PLAIN[1:512], "damaged header"),
        (header(size=b"\xff" * 12), "negative"),
        (header(size=b"\x80" + b"\xff" * 11), "that no file can have"),
        (header(size=b"12x"), "that is none"),
        (special(b"L", b"name"), "ends behind"),
        (header(kind=b"L", size=b"%011o" % (MOST_SPECIAL + 1)), "is the most"),
        (header(kind=b"x", size=b"\x80" + (1 << 60).to_bytes(11, "big")), "is the most"),
        (special(b"x", b"1" * 1000) + PLAIN, "damaged PAX"),
        (special(b"x", b"0 path=a\n") + PLAIN, "damaged PAX"),
        (special(b"x", b"99 path=a\n") + PLAIN, "damaged PAX"),
        (special(b"x", b"12 size=-12\n") + PLAIN, "that is none"),
        (special(b"x", b"999999999999999999999 path=a\n") + PLAIN, "damaged PAX"),
        (special(b"x", b"12 path=a\0b\n") + PLAIN, "null byte"),
        (special(b"L", b"a" * (MOST_NAME + 1)) + PLAIN, "name of more than 4096"),
        (special(b"K", b"a" * (MOST_NAME + 1)) + PLAIN, "name of more than 4096"),
    ],
)
def test_what_is_damaged_is_said(data: bytes, message: str) -> None:
    with pytest.raises(tarfile.ReadError, match=message):
        list(TarReader(io.BytesIO(data)))


def test_a_chain_of_headers_is_no_recursion() -> None:
    data = special(b"x", b"11 path=ab\n") * 20_000 + PLAIN

    assert [entry.name for entry in TarReader(io.BytesIO(data))] == ["ab"]


def test_a_global_header_names_nothing() -> None:
    assert [entry.name for entry in TarReader(io.BytesIO(special(b"g", b"11 path=ab\n") + PLAIN))] == ["a"]


def test_a_checksum_of_signed_bytes_is_one_too_and_any_other_is_none() -> None:
    """Some old programs added the bytes of a header up as signed ones."""
    made = bytearray(archive(tarfile.GNU_FORMAT, member("\u00e9" * 20, 3)))
    unsigned = sum(made[:512]) - sum(made[148:156]) + 256
    high = sum(byte > 127 for byte in made[:512])
    assert high == 40
    for counted, fine in ((unsigned, True), (unsigned - 256 * high, True), (unsigned + 65_521, False)):
        made[148:156] = b"%06o\0 " % counted
        if fine:
            assert [entry.name for entry in TarReader(io.BytesIO(bytes(made)))] == ["\u00e9" * 20]
        else:
            with pytest.raises(tarfile.ReadError, match="damaged header"):
                list(TarReader(io.BytesIO(bytes(made))))


class Dribble:
    """Gives a hundred bytes at a time, so that no header is there before it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, 100))


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_it_is_the_same_however_the_bytes_come(format_: int) -> None:
    """Plain entries that were read already go a shorter way."""
    plain = [member("d" * 90 + f"/{n}" + "é" * 20, n * 300) for n in range(4)]
    odd = [member("dir", 7, tarfile.DIRTYPE), member("soft", kind=tarfile.SYMTYPE, link="a"), member("a", 5)]
    odd[0].size = 0
    data = archive(format_, *plain, *odd)

    def read(source: Dribble | io.BytesIO) -> list[tuple[object, ...]]:
        reader = TarReader(source)
        return [(*entry, reader.read()) for entry in reader]

    whole = read(io.BytesIO(data))

    assert len(whole) == 7
    assert read(Dribble(data)) == whole


@pytest.mark.parametrize("at", [0, 100, 124, 130, 148, 156, 300, 345, 511])
def test_a_damaged_header_is_noticed_on_either_way(at: int) -> None:
    data = bytearray(archive(tarfile.GNU_FORMAT, member("a", 5), member("b", 5)))
    data[1024 + at] ^= 0x15
    for source in (io.BytesIO(bytes(data)), Dribble(bytes(data))):
        with pytest.raises(tarfile.ReadError):
            list(TarReader(source))
