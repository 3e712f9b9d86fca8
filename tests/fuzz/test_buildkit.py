"""Whatever comes from the engine in a build, on the session or in the trace, ends in an answer or an error of
ours: no traceback, no wait, and nothing that was not offered."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from grpclib.client import Channel
from grpclib.const import Cardinality
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.engine.builders.buildkit import SessionMatcher
from ctxsize.engine.builders.output import Place
from ctxsize.engine.builders.vertices import steps_of
from ctxsize.engine.buildkit import LocalDir, RequestError, Trace
from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.control.loop import Loop
from ctxsize.engine.buildkit.filesync import FileSync
from ctxsize.engine.buildkit.services.secrets import Secrets, parse_secret
from ctxsize.engine.buildkit.session import Health, Session, serve
from ctxsize.engine.buildkit.trace import decode_trace, read_status
from tests.fuzz.profile import effort
from tests.support.waiting import GIVE_UP_SECONDS

TEXTS = st.sampled_from(
    ["", "a", "[1/2] COPY . /", "[x 3/3] RUN \x1b[31m", "\ud7ff\0", "[internal] load", "9" * 40]
)
TIMES = st.one_of(
    st.none(),
    st.tuples(st.sampled_from([0, 1, -(2**62), 2**63 - 1]), st.sampled_from([0, 1, -(2**31), 2**31 - 1])),
)


def stamp(time: tuple[int, int] | None) -> dict[str, Any]:
    return {} if time is None else {"seconds": time[0], "nanos": time[1]}


VERTEXES = st.builds(
    lambda digest, name, start, stop, error, cached: pb.Vertex(
        digest=digest,
        name=name,
        error=error,
        cached=cached,
        started=pb.Timestamp(**stamp(start)) if start else None,
        completed=pb.Timestamp(**stamp(stop)) if stop else None,
    ),
    *(TEXTS, TEXTS, TIMES, TIMES, TEXTS, st.booleans()),
)
LOGS = st.builds(lambda vertex, data: pb.VertexLog(vertex=vertex, msg=data), TEXTS, st.binary(max_size=20))
STATUSES = st.builds(
    lambda id_, vertex, current: pb.VertexStatus(id=id_, vertex=vertex, current=current),
    *(TEXTS, TEXTS, st.sampled_from([0, -1, 2**63 - 1])),
)


@given(st.lists(VERTEXES, max_size=5), st.lists(LOGS, max_size=5), st.lists(STATUSES, max_size=3))
@effort(30)
def test_any_trace(vertexes: list[Any], logs: list[Any], statuses: list[Any]) -> None:
    trace = Trace()
    for _ in range(2):
        message = pb.StatusResponse(vertexes=vertexes, logs=logs, statuses=statuses)
        trace.add(read_status(decode_trace(base64.b64encode(message.SerializeToString()).decode())))
    steps_of(trace.vertices, lambda name: Place(None, name))
    assert all(isinstance(line, str) for line in trace.log_lines())


@given(
    st.one_of(st.text(max_size=50), st.binary(max_size=80).map(lambda data: base64.b64encode(data).decode()))
)
@effort(40)
def test_what_is_no_trace_is_a_value_error(aux: str) -> None:
    with suppress(ValueError):
        decode_trace(aux)


@given(st.text(max_size=40))
@effort(40)
def test_any_secret(spec: str) -> None:
    with suppress(RequestError):
        parse_secret(spec, {"A": "x"})


class Raw:
    """A codec that leaves messages as the bytes they are."""

    __content_subtype__ = "proto"

    def encode(self, message: bytes, _type: object) -> bytes:
        return message

    def decode(self, data: bytes, _type: object) -> bytes:
        return data


@contextmanager
def served(folder: Path) -> Iterator[tuple[socket.socket, Session]]:
    """The engine's end of a session that serves ``folder`` as its context, and a secret."""
    near, far = socket.socketpair()
    near.setblocking(False)
    services = [
        FileSync({"context": LocalDir(folder, SessionMatcher)}),
        Health(),
        Secrets(["id=x,env=A"], {"A": "s"}),
    ]
    session = Session(services, name="x", shared_key="y")
    loop = Loop("session")
    call = loop.begin(serve(session, near, b""))
    try:
        yield far, session
    finally:
        far.close()
        call.result(10)  # the session ends with its connection
        loop.close()


def call(
    engine: socket.socket, method: str, metadata: list[tuple[str, str]], messages: Iterable[bytes]
) -> list[bytes]:
    """What the session answers to a call."""

    class Connected(Channel):
        async def _create_connection(self) -> Any:
            loop = asyncio.get_running_loop()
            engine.setblocking(False)
            return (await loop.create_connection(self._protocol_factory, sock=engine))[1]

    async def work() -> list[bytes]:
        found: list[bytes] = []
        channel = Connected("engine", 1, codec=Raw())  # type: ignore[arg-type]
        try:
            async with channel.request(
                method, Cardinality.STREAM_STREAM, bytes, bytes, metadata=metadata, timeout=GIVE_UP_SECONDS
            ) as stream:
                await stream.send_request()
                for message in messages:
                    await stream.send_message(message)
                await stream.end()
                while (message := await stream.recv_message()) is not None:
                    found.append(message)
        except (GRPCError, ProtocolError, StreamTerminatedError):
            pass
        finally:
            channel.close()
        return found

    return asyncio.run(asyncio.wait_for(work(), GIVE_UP_SECONDS))


DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy"
PACKETS = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.builds(
            lambda kind, id_, data: pb.Packet(type=kind, id=id_, data=data).SerializeToString(),
            *(st.sampled_from([0, 1, 2, 3, 4]), st.sampled_from([0, 1, 2, 2**32 - 1]), st.binary(max_size=5)),
        ),
    ),
    max_size=5,
)
PATTERNS = st.lists(
    st.tuples(
        st.sampled_from(["include-patterns", "exclude-patterns", "followpaths", "include-patterns-encoded"]),
        st.sampled_from(
            ["[", "a", "**", "!", "../..", "../../etc/*", "/", "%zz", "1", "\\", "a{1000}{1000}*", "*"]
        ),
    ),
    max_size=4,
)


@given(packets=PACKETS, patterns=PATTERNS)
@effort(5)
def test_any_packets(
    packets: Sequence[bytes], patterns: list[tuple[str, str]], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(folder) as (engine, _):
        for answer in call(engine, DIFF_COPY, [("dir-name", "context"), *patterns], packets):
            packet = pb.Packet.FromString(answer)
            assert b"outside" not in packet.data
            assert packet.stat.path in ("", "file", "link")

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@given(data=st.binary(max_size=200), preface=st.booleans())
@effort(6)
def test_any_bytes_on_the_connection(
    data: bytes, preface: bool, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(folder) as (engine, _), suppress(BrokenPipeError, ConnectionResetError):
        engine.sendall((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if preface else b"") + data)

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_packet_that_makes_no_sense_ends_the_call(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with served(folder) as (engine, _):
        call(engine, DIFF_COPY, [("dir-name", "context")], [b"\xff\xff\xff"])

    assert "Application error" not in caplog.text


def test_tracebacks_of_the_connection_are_not_for_the_terminal() -> None:
    """Without a handler of their own, Python prints what libraries log as errors."""
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("grpclib").handlers)


@pytest.mark.parametrize("name", ["/", "/etc", "..", "context/..", "dockerfile", "Context", "context-"])
def test_only_what_was_offered_is_served(name: str, folder: Path) -> None:
    with served(folder) as (engine, _):
        assert call(engine, DIFF_COPY, [("dir-name", name)], []) == []


def test_only_the_named_secret_is_given(folder: Path) -> None:
    method = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
    for name, expected in (("x", [b"s"]), ("A", []), ("PATH", []), ("/etc/passwd", []), ("", [])):
        with served(folder) as (engine, _):
            answers = call(engine, method, [], [pb.GetSecretRequest(id=name).SerializeToString()])
        assert [pb.GetSecretResponse.FromString(answer).data for answer in answers] == expected


def test_a_session_has_an_id_of_its_own_that_nobody_guesses() -> None:
    ids = {Session([], name="x", shared_key="y").id for _ in range(100)}

    assert len(ids) == 100
    assert {len(id_) for id_ in ids} == {32}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("served")
    (root / "outside").write_text("outside")
    (root / "context").mkdir()
    (root / "context/file").write_text("inside")
    (root / "context/link").symlink_to("../outside")
    return root / "context"
