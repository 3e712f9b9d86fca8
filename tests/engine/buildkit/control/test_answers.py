"""Whatever is there instead of BuildKit, a call of its API ends in an answer or an error of ours, soon."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import docker
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

from ctxsize.engine.buildkit import BuildKitError, ConnectionLost, Control
from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.control import client
from ctxsize.engine.buildkit.engine import upgrading
from ctxsize.engine.buildkit.frames import PREFACE, framed
from ctxsize.engine.buildkit.limits import flood
from ctxsize.engine.buildkit.session import Session
from ctxsize.engine.footprint.leftovers import past_builds
from tests.support.fake_engine import UPGRADE, grpc

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
HEADERS = b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"
DATA = b"\x00\x00\x08\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x03\xff\xff\xff"
GO_AWAY = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
RESET = b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x02"

Answering = Callable[[Callable[[socket.socket], None]], Control]


@pytest.fixture
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """``answering(answer)``: a Control of something that does so on each connection, and hangs up."""
    listener = socket.socket(socket.AF_UNIX)
    path: Path = tmp_path_factory.mktemp("e") / "s"
    listener.bind(str(path))
    listener.listen()
    controls: list[Control] = []

    def start(answer: Callable[[socket.socket], None]) -> Control:
        def work() -> None:
            with suppress(OSError):
                while True:
                    with suppress(OSError), listener.accept()[0] as connection:
                        connection.recv(65_536)
                        answer(connection)

        threading.Thread(target=work, daemon=True).start()
        controls.append(Control(upgrading(docker.APIClient(base_url=f"unix://{path}", version="1.44"))))
        return controls[-1]

    yield start
    listener.close()
    for control in controls:
        control.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        UPGRADE,
        UPGRADE + b"garbage that is no HTTP/2 at all",
        UPGRADE + SETTINGS,
        UPGRADE + SETTINGS + HEADERS + GO_AWAY,
        UPGRADE
        + SETTINGS
        + HEADERS
        + b"\x00\x00\x08\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x03\xff\xff\xff",
        UPGRADE + SETTINGS + RESET,
    ],
)
def test_what_is_no_answer(answering: Answering, data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    control = answering(lambda connection: connection.sendall(data))
    for ask in (control.past_builds, control.disk_usage, control.workers, lambda: control.prune(["a"])):
        with pytest.raises(BuildKitError) as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert past_builds(control).builds == {}
    assert past_builds(control).unseen

    assert capfd.readouterr() == ("", "")


def test_more_or_fewer_answers_than_one_are_none(answering: Answering) -> None:
    control = answering(grpc({}))
    with pytest.raises(BuildKitError, match="0 answers"):
        control.disk_usage()
    many = answering(grpc({"DiskUsage": lambda: [b"", b""], "ListWorkers": lambda: [b"\xff\xff"]}))
    with pytest.raises(BuildKitError, match="2 answers"):
        many.disk_usage()
    with pytest.raises(BuildKitError, match="broke"):
        many.workers()


def test_a_message_larger_than_buildkits_own_are_is_not_taken(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood, "MOST_MESSAGE_BYTES", 100)
    control = answering(grpc({"DiskUsage": lambda: [bytes(101)]}))
    with pytest.raises(BuildKitError, match="a message of 101 bytes"):
        control.disk_usage()


def test_a_prune_that_tells_nothing_is_given_up(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(connection: socket.socket) -> None:
        connection.sendall(UPGRADE + SETTINGS)
        while connection.recv(4096):
            pass

    monkeypatch.setattr(client, "USAGE_TIMEOUT", 0.1)
    with pytest.raises(ConnectionLost, match=r"nothing heard from the engine for 0\.1 seconds"):
        answering(silent).prune(["a"])


def test_records_workers_and_past_builds_are_read(answering: Answering) -> None:
    record = pb.UsageRecord(id="a", size=5, parent="b", parents=["c"], description="d", shared=True)
    record.created_at.seconds, record.created_at.nanos = 3, 7
    worker = pb.WorkerRecord(id="w", platforms=[pb.Platform(os="linux", architecture="arm", variant="v7")])
    worker.buildkit_version.version = "v0.25.2"
    build = pb.BuildHistoryRecord(ref="r", frontend_attrs={"label:x": "y"})
    control = answering(
        grpc(
            {
                "DiskUsage": lambda: [pb.DiskUsageResponse(record=[record]).SerializeToString()],
                "ListWorkers": lambda: [pb.ListWorkersResponse(record=[worker]).SerializeToString()],
                "ListenBuildHistory": lambda: [pb.BuildHistoryEvent(record=build).SerializeToString()],
                "Prune": lambda: [pb.UsageRecord(id=each).SerializeToString() for each in "ca"],
            }
        )
    )
    (found,) = control.disk_usage()
    assert (found.id, found.size, found.parents, found.created) == ("a", 5, ("c", "b"), 3_000_000_007)
    assert (found.description, found.shared) == ("d", True)
    (has,) = control.workers()
    assert (has.id, has.platforms, has.version) == ("w", ("linux/arm/v7",), "v0.25.2")
    assert control.past_builds() == {"r": {"label:x": "y"}}
    told: list[str] = []
    assert control.prune(["a", "b", "c"], told.append) == {"a", "c"}
    assert told == ["c", "a"]


@pytest.mark.parametrize("end", ["reset", "hung up"])
def test_a_session_whose_call_breaks_off_is_lost_at_once(answering: Answering, end: str) -> None:
    broken = threading.Event()
    said = framed(pb.BytesMessage(data=PREFACE + SETTINGS).SerializeToString())

    def begin_and_break_off(connection: socket.socket) -> None:
        connection.sendall(UPGRADE)
        http = H2Connection(H2Configuration(client_side=False, validate_inbound_headers=False))
        http.initiate_connection()
        connection.sendall(http.data_to_send())
        while not any(
            isinstance(event, RequestReceived) for event in http.receive_data(connection.recv(4096))
        ):
            pass
        http.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
        http.send_data(1, said)
        connection.sendall(http.data_to_send())
        broken.wait()
        if end == "reset":
            http.reset_stream(1)
            connection.sendall(http.data_to_send())
            while connection.recv(4096):
                pass

    session = Session([], name="ctxsize", shared_key="x")
    with answering(begin_and_break_off).serving(session):
        session.check()
        broken.set()
        with pytest.raises(ConnectionLost, match="the engine closed the build session"):
            for _ in range(600):
                session.check()
                time.sleep(0.05)


def test_it_connects_anew_after_a_broken_connection(answering: Answering) -> None:
    answers = iter([lambda connection: connection.sendall(UPGRADE), grpc({"ListWorkers": lambda: [b""]})])
    control = answering(lambda connection: next(answers)(connection))
    with pytest.raises(BuildKitError):
        control.workers()
    assert control.workers() == []


def test_when_it_is_closed_nothing_of_it_runs_and_it_can_be_used_again(answering: Answering) -> None:
    others = {*threading.enumerate()}
    with closing(answering(grpc({"ListWorkers": lambda: [b""]}))) as control:
        for _ in range(2):
            assert control.workers() == []
            control.close()
            left = {*threading.enumerate()} - others
            assert "buildkit-control" not in [each.name for each in left]
