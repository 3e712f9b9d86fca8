"""The tar stream: what readers find in it, what it costs, and what a build receives."""

from __future__ import annotations

import io
import os
import random
import socket
import stat
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ctxsize.context.errors import ContextError
from ctxsize.context.send import tar_stream
from ctxsize.context.walk import walk
from tests.support.descriptors import no_descriptor_left


def read(root: Path, extra: Mapping[str, bytes] | None = None, chunk: int = 1 << 20) -> list[tarfile.TarInfo]:
    data = b"".join(tar_stream(walk(root, None), root, extra=extra, chunk=chunk))
    assert len(data) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getmembers()


def contents(root: Path, extra: Mapping[str, bytes] | None = None, chunk: int = 1 << 20) -> dict[str, bytes]:
    data = b"".join(tar_stream(walk(root, None), root, extra=extra, chunk=chunk))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]


def test_entries_arrive_as_the_official_client_sends_them(tmp_path: Path) -> None:
    """Owner and group 0, no names, whole seconds, permission bits kept, a socket left out."""
    (tmp_path / "dir").mkdir(mode=0o750)
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    file.chmod(0o4755)
    os.utime(file, ns=(0, 1_700_000_000_900_000_000))
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "same").hardlink_to(file)
    os.mkfifo(tmp_path / "fifo", 0o600)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        members = {member.name: member for member in read(tmp_path)}
    assert list(members) == ["dir", "fifo", "file", "link", "same"]
    assert members["file"].mtime == 1_700_000_000
    assert oct(members["file"].mode) == oct(0o4755)
    assert oct(members["dir"].mode) == oct(0o750)
    assert (members["link"].type, members["link"].linkname) == (tarfile.SYMTYPE, "file")
    assert (members["same"].type, members["same"].linkname) == (tarfile.LNKTYPE, "file")
    assert members["fifo"].isfifo()
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members.values()} == {(0, 0, "", "")}


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("old")
    (tmp_path / "run.sh").chmod(0o755)
    members = {member.name: member for member in read(tmp_path, extra={"run.sh": b"new", "other": b""})}
    assert {name: oct(member.mode) for name, member in members.items()} == {
        "run.sh": oct(0o755),
        "other": oct(0o644),
    }


@pytest.mark.parametrize("changed", ["a", "b"])
def test_appended_bytes_lengthen_one_name_of_a_file(tmp_path: Path, changed: str) -> None:
    (tmp_path / "a").write_text("x" * 600)
    for name in ("b", "c"):
        (tmp_path / name).hardlink_to(tmp_path / "a")
    data = b"".join(tar_stream(walk(tmp_path, None), tmp_path, appended={changed: b"!\n"}))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        sizes = {member.name: len(tar.extractfile(member).read()) for member in tar}  # type: ignore[union-attr]
    assert sizes == {name: 602 if name == changed else 600 for name in ("a", "b", "c")}


@pytest.mark.skipif(os.geteuid() != 0, reason="making a device node needs root")
def test_device_nodes_keep_their_numbers(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 300))
    (member,) = read(tmp_path)
    assert (member.ischr(), member.devmajor, member.devminor) == (True, 1, 300)


@pytest.mark.parametrize("length", [99, 100, 101, 255])
def test_names_of_any_length_and_bytes(tmp_path: Path, length: int) -> None:
    names = ["é\n" * (length // 3), "y" * length, os.fsdecode(b"\xff" * length)]
    for name in names:
        (tmp_path / name).write_text("x")
        (tmp_path / f"{name[:50]}.link").symlink_to(name)
    found = {os.fsencode(m.name): os.fsencode(m.linkname) for m in read(tmp_path) if m.name != "."}
    for name in names:
        assert found[os.fsencode(name)] == b""
        assert found[os.fsencode(f"{name[:50]}.link")] == os.fsencode(name)


def test_a_path_of_4000_bytes_is_opened_and_named_in_full(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(80):
        os.mkdir("n" * 49, dir_fd=fd)
        below = os.open("n" * 49, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    with open(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=fd), "w") as file:
        file.write("deep")
    os.close(fd)
    assert contents(tmp_path) == {("n" * 49 + "/") * 80 + "f": b"deep"}


def test_sizes_over_8_gib_are_written_in_base_256(tmp_path: Path) -> None:
    size = 9 * 2**30
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(size)
    stream = tar_stream(walk(tmp_path, None), tmp_path)
    header = next(stream)[:512]
    stream.close()  # type: ignore[attr-defined]
    assert tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape").size == size


def test_times_before_1970(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")
    os.utime(tmp_path / "old", (-1000, -1000))
    assert [member.mtime for member in read(tmp_path)] == [-1000]


@pytest.mark.skipif(os.geteuid() != 0, reason="setting a capability needs root")
def test_a_file_capability_travels_and_other_extended_attributes_do_not(tmp_path: Path) -> None:
    value = bytes.fromhex("0100000200200000000000000000000000000000")
    (tmp_path / "ping").write_text("")
    try:
        os.setxattr(tmp_path / "ping", "security.capability", value)
        os.setxattr(tmp_path / "ping", "user.note", b"x")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    ping = read(tmp_path)[-1]
    headers = {key: value.encode("utf-8", "surrogateescape") for key, value in ping.pax_headers.items()}
    assert (ping.name, headers) == ("ping", {"SCHILY.xattr.security.capability": value})


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193, 100_000])
def test_content_of_any_size_in_chunks_of_any_size(tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "b").write_bytes(b"next")
    assert contents(tmp_path, chunk=4096) == {"a": data, "b": b"next"}


def test_parts_are_about_the_chunk_size(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(1_000_000))
    for number in range(500):
        (tmp_path / f"small{number}").write_text("x")
    lengths = [len(part) for part in tar_stream(walk(tmp_path, None), tmp_path, chunk=65536)]
    assert max(lengths) <= 2 * 65536
    assert len(lengths) < 2 * sum(lengths) / 65536


class TestFirstRecord:
    """BuildKit's upload looks at the first 1,024 bytes only, and must find a whole header there."""

    @staticmethod
    def first(root: Path) -> tarfile.TarInfo:
        head = next(tar_stream(walk(root, None), root))[:512]
        return tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")

    def test_a_plain_first_entry_is_the_first_record(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("")
        assert self.first(tmp_path).name == "a"

    def test_a_long_first_name_gets_a_directory_before_it(self, tmp_path: Path) -> None:
        (tmp_path / ("a" * 101)).write_text("")
        assert (self.first(tmp_path).name, self.first(tmp_path).type) == (".", tarfile.DIRTYPE)
        assert [member.name for member in read(tmp_path)] == [".", "a" * 101]

    def test_a_long_second_name_does_not(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("")
        (tmp_path / ("b" * 101)).write_text("")
        assert [member.name for member in read(tmp_path)] == ["a", "b" * 101]


class TestExtraFiles:
    def test_come_first(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("a")
        assert [m.name for m in read(tmp_path, {"Dockerfile": b"FROM scratch\n"})] == ["Dockerfile", "a"]

    def test_take_the_place_of_an_entry(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "Dockerfile").write_text("old")
        assert contents(tmp_path, {"sub/Dockerfile": b"new"}) == {"sub/Dockerfile": b"new"}

    def test_other_names_of_a_replaced_file_keep_its_content(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("old")
        (tmp_path / "copy1").hardlink_to(tmp_path / "Dockerfile")
        (tmp_path / "copy2").hardlink_to(tmp_path / "Dockerfile")
        members = read(tmp_path, {"Dockerfile": b"new"})
        assert [(m.name, m.type, m.linkname) for m in members] == [
            ("Dockerfile", tarfile.REGTYPE, ""),
            ("copy1", tarfile.REGTYPE, ""),
            ("copy2", tarfile.LNKTYPE, "copy1"),
        ]
        assert contents(tmp_path, {"Dockerfile": b"new"})["copy1"] == b"old"


def test_the_bytes_reported_per_entry_are_the_whole_stream_but_its_end(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(bytes(1000))
    (tmp_path / "d" / ("l" * 200)).symlink_to("f")
    told: dict[str, int] = {}
    data = b"".join(tar_stream(walk(tmp_path, None), tmp_path, extra={"D": b"x"}, sent=told.__setitem__))
    assert told == {"D": 1024, "d": 512, "d/f": 512 + 1024, "d/" + "l" * 200: 3 * 512}
    assert len(data) == sum(told.values()) + 1024


class TestWhatChangesWhileItIsSent:
    """Never padding, never half a file: the error names the file."""

    def stream(self, root: Path, size: int = 300_000) -> Iterator[bytes]:
        (root / "a").write_bytes(bytes(size))
        return tar_stream(walk(root, None), root, chunk=65536)

    def test_a_file_that_shrinks(self, tmp_path: Path) -> None:
        stream = self.stream(tmp_path)
        next(stream)
        os.truncate(tmp_path / "a", 70_000)
        with pytest.raises(ContextError, match=r"it lost [0-9,]+ of its 300,000 bytes while") as error:
            list(stream)
        assert error.value.where == str(tmp_path / "a")

    @pytest.mark.parametrize("size", [300_000, 4 * 65536, 4 * 65536 - 1])
    def test_a_file_that_grows_is_sent_as_it_was(self, tmp_path: Path, size: int) -> None:
        stream = self.stream(tmp_path, size)
        first = next(stream)
        os.truncate(tmp_path / "a", size + 1)
        rest = b"".join(stream)
        with tarfile.open(fileobj=io.BytesIO(first + rest)) as tar:
            assert [member.size for member in tar] == [size]

    def test_a_file_that_grew_before_its_turn_is_sent_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "b").write_bytes(b"12")
        entries = list(walk(tmp_path, None))
        (tmp_path / "b").write_bytes(b"1234")
        data = b"".join(tar_stream(entries, tmp_path))
        assert data[512:516] == b"1234"
        assert len(data) == 2048

    def test_a_file_that_vanished_is_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"content")
        (tmp_path / "b").hardlink_to(tmp_path / "a")
        (tmp_path / "c").hardlink_to(tmp_path / "a")
        entries = list(walk(tmp_path, None))
        (tmp_path / "a").unlink()
        data = b"".join(tar_stream(entries, tmp_path))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = tar.getmembers()
        assert [(m.name, m.size, m.linkname) for m in members] == [("b", 7, ""), ("c", 0, "b")]

    def test_two_names_of_a_file_that_vanished(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"content")
        for name in "bcd":
            (tmp_path / name).hardlink_to(tmp_path / "a")
        entries = list(walk(tmp_path, None))
        (tmp_path / "a").unlink()
        (tmp_path / "b").unlink()
        with tarfile.open(fileobj=io.BytesIO(b"".join(tar_stream(entries, tmp_path)))) as tar:
            assert [(m.name, m.size, m.linkname) for m in tar] == [("c", 7, ""), ("d", 0, "c")]

    def test_a_file_that_became_a_link_or_a_fifo(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"content")
        entries = list(walk(tmp_path, None))
        (tmp_path / "a").unlink()
        (tmp_path / "a").symlink_to("/etc/passwd")
        with pytest.raises(ContextError, match="became a symbolic link"):
            list(tar_stream(entries, tmp_path))
        (tmp_path / "a").unlink()
        os.mkfifo(tmp_path / "a")
        with pytest.raises(ContextError, match="became something else than a file"):
            list(tar_stream(entries, tmp_path))


def test_memory_stays_constant_and_no_descriptor_is_left(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(200_000_000)
    # Other tests of the same process may have connections open: threads of theirs may end, none begins here.
    others = {*threading.enumerate()}
    with no_descriptor_left():
        stream = tar_stream(walk(tmp_path, None), tmp_path)
        assert max(len(part) for part in stream) <= 1 << 20
        broken_off = tar_stream(walk(tmp_path, None), tmp_path)
        next(broken_off)
        broken_off.close()  # type: ignore[attr-defined]
    assert {*threading.enumerate()} <= others
