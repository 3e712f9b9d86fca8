"""Files of ours: whole or not at all, where the user wants them, and never through a link."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctxsize.files.write import append, replacing


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    mask = os.umask(0o027)
    yield folder
    os.umask(mask)


def put(path: str | Path, data: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(data)


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.mark.parametrize(
    "path", ["report", "./report", "../report", "sub/report", "sub/../report", "../here/report"]
)
def test_a_file_is_there_with_the_mode_of_the_umask(path: str) -> None:
    Path("sub").mkdir()
    put(path)

    assert Path(path).read_bytes() == b"new"
    assert mode(path) == 0o640


def test_a_file_that_is_replaced_keeps_its_mode_and_owner(here: Path) -> None:
    report = here / "report"
    report.write_text("old and longer")
    report.chmod(0o604)
    if os.getuid() == 0:
        os.chown(report, 1234, 1234)
    owner = report.stat().st_uid
    put(report)

    assert report.read_bytes() == b"new"
    assert mode(report) == 0o604
    assert report.stat().st_uid == owner


def test_a_name_of_255_bytes_is_written() -> None:
    put("n" * 255)

    assert os.listdir() == ["n" * 255]


# Not half of it


def test_what_was_there_stays_until_the_end_and_when_that_does_not_come(here: Path) -> None:
    Path("report").write_text("old")
    with pytest.raises(ZeroDivisionError), replacing("report") as file:
        file.write(b"half")
        file.flush()
        assert Path("report").read_text() == "old"
        raise ZeroDivisionError

    assert Path("report").read_text() == "old"
    assert os.listdir() == ["report"]


CROWDED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from ctxsize.files.write import append, replacing
try:
    if sys.argv[1] == "replacing":
        with replacing("report") as file:
            file.write(bytes(100_000))
    else:
        append("report", bytes(100_000))
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("how", ["replacing", "append"])
def test_nothing_is_half_written_where_there_is_no_room(how: str) -> None:
    Path("report").write_text("old")
    done = subprocess.run([sys.executable, "-c", CROWDED, how], capture_output=True, text=True, check=True)

    assert done.stdout == "File too large\n"
    assert Path("report").read_text() == "old"
    assert os.listdir() == ["report"]


@pytest.mark.skipif(os.getuid() == 0 and not os.path.exists("/sys/fs"), reason="root may write anywhere")
def test_a_directory_that_is_not_there_or_takes_nothing() -> None:
    with pytest.raises(FileNotFoundError):
        put("no/report")
    with pytest.raises(OSError, match=r"Read-only|denied|No such"):
        put("/sys/fs/report")


# Never through a link


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    Path("report").symlink_to(victim)
    Path("nowhere").symlink_to(tmp_path / "made")

    for name in ("report", "nowhere", Path("report").absolute()):
        with pytest.raises(OSError, match="nothing is written through links"):
            put(name)
        with pytest.raises(OSError, match="nothing is written through links"):
            append(name, b"more")

    assert victim.read_text() == "untouched"
    assert os.path.islink("report")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "name", ["out/report", "{here}/out/report", "sub/out/report", "{here}/../here/out/report"]
)
def test_no_directory_below_the_current_one_may_be_a_link(here: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    Path("sub").mkdir()
    for folder in ("out", "sub/out"):
        Path(folder).symlink_to(tmp_path / "elsewhere")

    for write in (put, lambda path: append(path, b"x")):
        with pytest.raises(OSError, match="links in its place are not followed"):
            write(name.format(here=here))

    assert os.listdir(tmp_path / "elsewhere") == []


def test_directories_that_are_the_users_own_may_be_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put(tmp_path / "link" / "report")

    assert (tmp_path / "real" / "report").read_bytes() == b"new"


# What is open already, and what is no file


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_is_written_where_it_is(name: str) -> None:
    code = (
        "import sys; from ctxsize.files.write import replacing; print('before')\n"
        f"with replacing({name!r}) as file: file.write(b'report\\n')\n"
        "print('after')"
    )
    with open("all", "w") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)

    assert Path("all").read_text() == "before\nreport\nafter\n"


def test_dev_null_is_no_file_to_replace() -> None:
    put(os.devnull)

    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_pipe_is_written_to(here: Path) -> None:
    os.mkfifo("pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_bytes()))
    reader.start()
    put("pipe")
    reader.join()

    assert read == [b"new"]
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


@pytest.mark.parametrize("name", ["/dev/full", "/dev/zero", ".", "..", "sub", "sub/", "/", ""])
def test_what_is_no_regular_file_is_left_alone(name: str) -> None:
    Path("sub").mkdir()
    before = os.stat(name or ".").st_mode
    for write in (put, lambda path: append(path, b"x")):
        with pytest.raises(OSError):
            write(name)

    assert os.stat(name or ".").st_mode == before


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 256, "d/" * 3000 + "x"])
def test_names_that_no_file_can_have(name: str) -> None:
    for write in (put, lambda path: append(path, b"x")):
        with pytest.raises(OSError):
            write(name)


def test_few_open_files_are_enough() -> None:
    os.makedirs("d/" * 100)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 60, hard))
    try:
        put("d/" * 100 + "report")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Adding to what others write, too


def test_append_adds_and_makes() -> None:
    append("summary", b"one\n")
    append("summary", b"two\n")

    assert Path("summary").read_bytes() == b"one\ntwo\n"
    assert mode("summary") == 0o640


def test_append_waits_for_no_pipe() -> None:
    os.mkfifo("pipe")
    with pytest.raises(OSError, match="not a regular file"):
        append("pipe", b"x")
