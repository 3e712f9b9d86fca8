"""The tree changes while it is sent, or holds what no tree should."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ctxsize.context.errors import ContextError
from ctxsize.context.send import tar_stream
from ctxsize.context.walk import walk
from tests.faults.conftest import Compare, Outcome, When
from tests.support.proxy import Fault, Proxy
from tests.support.waiting import GIVE_UP_SECONDS, must_end

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("nothing_left")]

BUILD = r"POST .*/build\?"
SESSION = r"POST .*/session"


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    os.truncate(path, 10)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(1 << 20))


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("change", "builder"),
    [
        (delete, "classic"),
        (fifo, "buildkit"),
        *(
            pytest.param(change, builder, marks=pytest.mark.slow)
            for change in (delete, truncate, grow, directory, fifo, link)
            for builder in ("buildkit", "classic")
            if (change, builder) not in ((delete, "classic"), (fifo, "buildkit"))
        ),
    ],
)
def test_a_file_that_changes_before_its_turn_to_be_sent_is_measured_as_the_official_client_builds_it(
    compare: Compare, project: Path, builder: str, change: Callable[[Path], None]
) -> None:
    """A session has listed it by then, and is asked for its content; a tar has it listed at its turn."""
    victim = project / "data" / "file3"

    # By then a tar has its directory listed, and a session all.
    when = When(lambda: change(victim), sent=1 << 19)
    outcome = compare("--builder", builder, when=when, same_tree=False)

    assert outcome.code == 0, outcome.lines
    assert outcome.lines == []
    assert outcome.report is not None
    # What came of it instead is empty, but for a link in a tar; the most that can have come of a grown one:
    most = {grow: 2 << 20, truncate: 10, link: len("/etc/passwd")}.get(change, 0)
    assert outcome.report["variants"]["without"]["image"]["bytes"] <= (3 << 20) + 200_000 + 100 + most


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (directory, "became something else than a file"),
        (fifo, "became something else than a file"),
        (link, "became a symbolic link"),
    ],
)
def test_a_file_that_becomes_something_else_between_its_listing_and_its_opening_is_an_error(
    tmp_path: Path, change: Callable[[Path], None], error: str
) -> None:
    victim = tmp_path / "file"
    victim.write_text("x")
    listed = list(walk(tmp_path, None))
    change(victim)

    with must_end(), pytest.raises(ContextError, match=f"file: it {error} while it was being read"):
        b"".join(tar_stream(listed, tmp_path))


def sending(context: Path, victim: Path, change: Callable[[Path], None]) -> bytes:
    """The tar of ``context``, if ``change`` is done to ``victim`` in the middle of its content."""
    stream = tar_stream(walk(context, None), context, chunk=1 << 16)
    parts = []
    for part in stream:
        parts.append(part)
        if part.startswith(b"victim"):
            change(victim)
    return b"".join(parts)


def test_a_file_that_shrinks_while_its_content_is_sent_is_an_error_and_no_padding(tmp_path: Path) -> None:
    victim = tmp_path / "file"
    victim.write_bytes(b"victim".ljust(1 << 20, b"."))

    error = "file: it lost [0-9,]+ of its 1,048,576 bytes while it was being read"
    with pytest.raises(ContextError, match=error):
        sending(tmp_path, victim, truncate)


def test_a_file_that_grows_while_its_content_is_sent_arrives_as_it_was(tmp_path: Path) -> None:
    """The official client goes on, too: ``Can't add file … to tar: archive/tar: write too long``."""
    victim = tmp_path / "file"
    size = (1 << 20) + 512  # not the end of a piece that is read
    victim.write_bytes(b"victim".ljust(size, b"."))

    assert len(sending(tmp_path, victim, grow)) == 512 + size + 1024


@pytest.mark.parametrize(
    ("change", "saved"), [(grow, 200_000 + (1 << 20)), (truncate, 10)], ids=["grow", "truncate"]
)
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_changed_after_the_scan_is_measured_as_it_was_sent_and_named(
    compare: Compare, project: Path, builder: str, change: Callable[[Path], None], saved: int
) -> None:
    when = When(lambda: change(project / "a.log"))
    outcome = compare("--builder", builder, when=when, same_tree=False)

    assert outcome.report is not None
    (row,) = outcome.report["paths"]
    assert (row["path"], row["context_bytes"], row["image_bytes"]) == ("a.log", 200_000, saved)
    assert row["note"] == "it changed while it was measured"
    # The ignore file itself arrives in the image with it only.
    assert outcome.report["unattributed"]["image_bytes"] == -len("*.log\n")
    (warning,) = (each for each in outcome.report["warnings"] if each["code"] == "tree-changed")
    assert warning["message"].startswith("a.log changed after the scan: ")


def test_a_file_that_is_deleted_while_its_content_is_sent_arrives_whole(tmp_path: Path) -> None:
    victim = tmp_path / "file"
    victim.write_bytes(b"victim".ljust(1 << 20, b"."))

    assert len(sending(tmp_path, victim, delete)) == 512 + (1 << 20) + 1024


def as_anybody(project: Path, builder: str, host: str | None = None) -> subprocess.CompletedProcess[str]:
    """``ctxsize compare`` by somebody for whom permissions count."""
    return unprivileged("compare", "--repeat", "1", "--builder", builder, project, host=host)


def unprivileged(*words: str | Path, host: str | None = None) -> subprocess.CompletedProcess[str]:
    """The program, run by root without its privilege."""
    command = [sys.executable, "-m", "ctxsize", *map(str, words)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv")
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    environment = os.environ | ({"DOCKER_HOST": host} if host else {})
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=GIVE_UP_SECONDS)


@pytest.fixture
def locked(project: Path) -> Iterator[Path]:
    """A project with a directory that may not be entered, as a database's volume is."""
    (project / "src").mkdir()
    (project / "src" / "s").write_text("s")
    (project / "pg").mkdir()
    (project / "pg" / "table").write_bytes(bytes(1000))
    (project / "pg").chmod(0)
    yield project
    (project / "pg").chmod(0o755)


@pytest.mark.parametrize("copied", [".", "src"])
def test_an_ignored_directory_that_can_not_be_entered_is_not_entered(locked: Path, copied: str) -> None:
    (locked / ".dockerignore").write_text("pg\n*.log\n")
    (locked / "Dockerfile").write_text(f"FROM scratch\nCOPY {copied} /s\n")

    done = unprivileged("compare", "--repeat", "1", "--format", "json", locked)

    report = json.loads(done.stdout)
    rows = {row["path"]: row for row in report["paths"]}
    assert (rows["pg"]["context_bytes"], rows["a.log"]["context_bytes"]) == (None, 200_000)
    assert (report["saved"]["context_bytes"], report["variants"]["without"]["context"]["bytes"]) == (
        None,
        None,
    )
    assert report["variants"]["with"]["image"]["bytes"] >= 1
    assert "unread" in {warning["code"] for warning in report["warnings"]}
    if copied == "src":
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 3
        assert f"{locked}/pg: Permission denied (this is what the ignore file saves you from)" in done.stderr

    listed = json.loads(unprivileged("context", "--format", "json", locked).stdout)
    assert [row["bytes"] for row in listed["ignored"]] == [200_000, None]
    assert listed["totals"]["without"] is None
    checked = unprivileged("check", locked, "--limit", "image=10MB")
    assert checked.returncode == 0, checked.stderr


def test_a_directory_that_no_step_takes_need_not_be_readable(locked: Path) -> None:
    (locked / "Dockerfile").write_text("FROM scratch\nCOPY src /s\n")

    done = unprivileged("compare", "--repeat", "1", "--format", "json", locked)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["variants"]["with"]["context"]["bytes"] is None
    assert report["variants"]["with"]["image"]["bytes"] == 1


def test_the_classic_client_reads_what_is_ignored_and_the_error_says_so(locked: Path) -> None:
    """``error checking context: can't stat``, says the official one."""
    (locked / ".dockerignore").write_text("pg\n")

    done = as_anybody(locked, "classic")

    assert done.returncode == 2
    assert "pg: can't read it: Permission denied (the classic client reads ignored directories" in done.stderr


@pytest.mark.parametrize(
    ("name", "builder"),
    [
        ("small", "buildkit"),
        ("small", "classic"),
        ("data", "buildkit"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in (("data", "classic"),)),
    ],
)
def test_a_file_or_directory_that_may_not_be_read_is_named(project: Path, builder: str, name: str) -> None:
    path = project / name
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(0)
    try:
        done = as_anybody(project, builder)
    finally:
        path.chmod(mode)

    assert done.returncode == 2
    error = next(line for line in done.stderr.splitlines() if line.startswith("ctxsize: error"))
    assert f"{path}: " in error
    assert "Permission denied" in error


def test_the_name_of_what_may_not_be_read_is_shown_on_one_line(project: Path) -> None:
    path = project / "new\nline \x1b[31mred"
    path.touch(0)

    done = as_anybody(project, "classic")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "new\\nline \\x1b[31mred: can't read it: Permission denied" in done.stderr


@pytest.mark.parametrize("builder", ["buildkit", pytest.param("classic", marks=pytest.mark.slow)])
def test_a_file_that_may_no_longer_be_read_when_its_turn_comes_is_named(
    project: Path, proxied: Callable[[Fault], Proxy], builder: str
) -> None:
    victim = project / "data" / "file3"
    stage = BUILD if builder == "classic" else SESSION
    # After half a megabyte we are in the middle of the context, and not yet at its last file.
    fault = Fault(stage, "pause", 1 << 19, nth=None, upwards=True, then=lambda: victim.chmod(0))
    proxy = proxied(fault)
    try:
        done = as_anybody(project, builder, proxy.url)
    finally:
        victim.chmod(0o644)

    assert proxy.struck
    assert done.returncode == 2, done.stderr
    assert f"{victim}: " in done.stderr
    assert "Permission denied" in done.stderr


ODD_NAMES = ("n" * 255, "new\nline", "-rf", " blank ", "\u202eright-to-left", "tab\tand\x1b[31mred")


@pytest.fixture
def odd_tree(tmp_path: Path) -> Path:
    """A context with everything a file system allows and BuildKit takes."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /src/\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "a.log").write_text("x" * 1000)
    os.mkfifo(folder / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.close()
    if os.geteuid() == 0:
        os.mknod(folder / "char", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mknod(folder / "block", stat.S_IFBLK | 0o600, os.makedev(7, 77))
    (folder / "sparse").touch()
    os.truncate(folder / "sparse", 5 << 20)
    for name in ODD_NAMES:
        (folder / name).write_text(name)
    (folder / "loop").symlink_to("loop")
    (folder / "to-parent").symlink_to("..")
    (folder / "out").symlink_to("/etc/passwd")
    return folder


@pytest.mark.parametrize(
    "builder",
    ["buildkit", pytest.param("classic", marks=pytest.mark.slow)],
)
def test_odd_files_are_measured_and_arrive_under_their_names(
    compare: Compare, odd_tree: Path, api: docker.APIClient, builder: str
) -> None:
    outcome = compare("--builder", builder, "--keep", folder=odd_tree)

    assert outcome.code == 0, outcome.lines
    assert outcome.report is not None
    with kept(api, outcome) as container:
        for name in ODD_NAMES:
            _, found = api.get_archive(container, f"/src/{name}")
            assert found["size"] == len(name.encode())
    assert outcome.report["saved"]["image_bytes"] == 1000 - len("*.log\n")
    links = sum(len(target) for target in ("loop", "..", "/etc/passwd"))
    names = sum(len(name.encode()) for name in ODD_NAMES)
    files = links + names + (5 << 20) + len("*.log\n") + len((odd_tree / "Dockerfile").read_text())
    assert outcome.report["variants"]["with"]["context"]["bytes"] == files, "links and devices are not read"


@contextlib.contextmanager
def kept(api: docker.APIClient, outcome: Outcome) -> Iterator[Any]:
    """A container of the image that ``compare --keep`` left of `with`; both images are removed after it."""
    assert outcome.report is not None
    tags = [variant["image"]["tag"] for variant in outcome.report["variants"].values()]
    container = api.create_container(tags[0], command="none")
    try:
        yield container
    finally:
        api.remove_container(container, force=True)
        for tag in tags:
            api.remove_image(tag)


@pytest.mark.parametrize("builder", [pytest.param("buildkit", marks=pytest.mark.slow), "classic"])
def test_devices_arrive_in_the_image_as_with_the_official_client_and_are_not_read(
    compare: Compare, project: Path, api: docker.APIClient, builder: str
) -> None:
    """The classic builder makes devices of them; BuildKit of Engine 20.10 empty files."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    os.mknod(project / "zero", stat.S_IFCHR | 0o600, os.makedev(1, 5))

    outcome = compare("--builder", builder, "--keep")

    assert outcome.code == 0, outcome.lines
    with kept(api, outcome) as container:
        _, found = api.get_archive(container, "/src/zero")
    assert stat.S_IMODE(found["mode"]) == 0o600
    assert found["size"] == 0


#: Bytes of a path in the context: near PATH_MAX (4,096) together with the directory it lies in.
LONG_PATH = 3970


@pytest.mark.parametrize("builder", [pytest.param("buildkit", marks=pytest.mark.slow), "classic"])
def test_a_path_of_nearly_4000_bytes_is_measured(compare: Compare, project: Path, builder: str) -> None:
    path = "/".join(["d" * 200] * 19)
    path += "/" + "f" * (LONG_PATH - len(path) - 1)
    (project / path).parent.mkdir(parents=True)
    (project / path).write_text("deep")
    (project / ".dockerignore").write_text("ddd*\n")

    outcome = compare("--builder", builder)

    assert outcome.code == 0, outcome.lines
    assert outcome.report is not None
    assert [each["image_bytes"] for each in outcome.report["paths"]] == [len("deep")], "found in the image"


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_path_that_no_system_call_takes_whole_is_one_line(
    compare: Compare, project: Path, builder: str
) -> None:
    """The official clients refuse it, too."""
    here = os.getcwd()
    try:
        os.chdir(project)
        for _ in range(25):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        Path("file").write_text("deep")
    finally:
        os.chdir(here)

    outcome = compare("--builder", builder, same_tree=False)

    assert outcome.code == 2
    assert len(outcome.lines) == 1
    assert "can't read it: File name too long" in outcome.lines[0]


def test_a_name_that_is_not_utf8_is_one_line_with_buildkit_and_measured_with_classic(
    compare: Compare, project: Path
) -> None:
    Path(os.fsdecode(os.fsencode(project) + b"/caf\xe9")).touch()

    outcome = compare("--builder", "buildkit")
    assert outcome.code == 2
    assert "caf\\xe9" in outcome.lines[0]
    assert compare("--builder", "classic").code == 0


@pytest.mark.slow
def test_a_file_of_more_than_4_gigabytes_is_sent_whole(tmp_path: Path) -> None:
    """By its tar, without a build: sizes of more than 32 bits."""
    with (tmp_path / "sparse").open("wb") as file:
        os.truncate(file.fileno(), (4 << 30) + 1)
    sent: dict[str, int] = {}

    total, head = 0, b""
    for part in tar_stream(walk(tmp_path, None), tmp_path, sent=sent.__setitem__):
        head = head or part[:512]
        total += len(part)

    assert tarfile.TarInfo.frombuf(head, "utf-8", "strict").size == (4 << 30) + 1
    assert sent["sparse"] == 512 + (4 << 30) + 512
    assert total == sent["sparse"] + 1024


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_file_of_more_than_4_gigabytes_is_built(compare: Compare, project: Path, builder: str) -> None:
    os.truncate(project / "a.log", (4 << 30) + 1)

    outcome = compare("--builder", builder, same_tree=False, limit=600)

    assert outcome.code == 0
    assert outcome.report is not None
    saved = (4 << 30) + 1 - len("*.log\n")
    assert outcome.report["saved"]["context_bytes"] == saved
    assert outcome.report["saved"]["image_bytes"] == saved


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """A process may have 1,024 files open, as on most machines."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_100_000_entries_in_one_directory(
    compare: Compare, project: Path, builder: str, few_descriptors: None
) -> None:
    (project / "many").mkdir()
    for number in range(100_000):
        (project / "many" / f"{number}.log").touch()
    (project / ".dockerignore").write_text("many\n*.log\n")

    outcome = compare("--builder", builder)

    assert outcome.code == 0
    assert outcome.report is not None
    # … and a.log; the ignore file, which `without` does not have, is one file less.
    assert outcome.report["saved"]["context_files"] == 100_000


@pytest.mark.parametrize(
    "builder",
    ["buildkit", pytest.param("classic", marks=pytest.mark.slow)],
)
def test_a_clock_that_goes_backwards_makes_no_negative_time(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    now = [2_000_000_000.0]

    def backwards() -> float:
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    monkeypatch.setattr(time, "time_ns", lambda: int(backwards() * 1e9))

    outcome = compare("--builder", builder)

    assert outcome.code == 0
    assert outcome.report is not None
    for variant in outcome.report["variants"].values():
        assert all(0 < seconds < GIVE_UP_SECONDS for seconds in variant["build"]["runs"])
        assert all(0 <= step["seconds"] < GIVE_UP_SECONDS for step in variant["build"]["steps"])
        assert all(-1 < seconds < GIVE_UP_SECONDS for seconds in variant["build"]["phases"].values())
