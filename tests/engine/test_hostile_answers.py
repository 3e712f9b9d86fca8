"""The bounds on what an engine answers: no redirect, no name that leads elsewhere; each limit is an error."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator

import docker
import pytest

from ctxsize.engine import buildkit
from ctxsize.engine.bases import BaseImages
from ctxsize.engine.buildkit import Control
from ctxsize.engine.buildkit.engine import upgrading
from ctxsize.engine.buildkit.fallback import Fallback
from ctxsize.engine.buildkit.limits import answers
from ctxsize.engine.buildkit.session import Health, Session
from ctxsize.engine.clients import Client, PodmanClient
from ctxsize.engine.connect import Engine, connect
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.platforms import find_image
from ctxsize.errors import EngineError, UsageError
from tests.support.fake_engine import IMAGE, SANE, UPGRADE, FakeEngine, sane, whole
from tests.support.opening import open_images
from tests.support.waiting import must_end, wait_until


@pytest.fixture
def fake(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    made = FakeEngine(tmp_path_factory.mktemp("e") / "s")
    monkeypatch.setenv("DOCKER_HOST", made.url)
    yield made
    made.close()


@pytest.fixture
def engine(fake: FakeEngine) -> Engine:
    return connect()


#: A question to each endpoint whose answer is JSON.
QUESTIONS: dict[str, Callable[[docker.APIClient], object]] = {
    "/version": lambda api: api.version(),
    "/info": lambda api: api.info(),
    "/images/json": lambda api: api.images(all=True),
    "/images/x/json": lambda api: api.inspect_image("x"),
    "/containers/json": lambda api: api.containers(all=True),
    "/containers/x/json": lambda api: api.inspect_container("x"),
    "/networks": lambda api: api.networks(),
    "/system/df": lambda api: Fallback(api).disk_usage(),
    "/containers/create": lambda api: api.create_container("x", "y"),
    "/containers/x/wait": lambda api: api.wait("x", timeout=5),
    "/images/x": lambda api: api.remove_image("x"),
}


def ask(engine: Engine, question: str) -> str:
    """What a user is told."""
    with pytest.raises(EngineError) as caught, engine_trouble():
        QUESTIONS[question](engine.api)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 3000
    return str(caught.value)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000], ids=["list", "object", "number"]
)
def test_json_that_can_not_be_taken_apart(
    fake: FakeEngine, engine: Engine, question: str, text: bytes
) -> None:
    if question == "/images/x":
        pytest.skip("its answer is not looked at") if text == b"1" * 5000 else None
    fake.answer = lambda _: whole(text)
    assert "its answer is not JSON" in ask(engine, question)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_of_another_kind(fake: FakeEngine, engine: Engine, question: str) -> None:
    if question == "/images/x":
        pytest.skip("its answer is not looked at")
    fake.answer = lambda _: whole(b'"yes"')
    ask(engine, question)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 For ever"])
def test_no_redirect_is_followed(fake: FakeEngine, engine: Engine, question: str, status: str) -> None:
    fake.asked.clear()
    fake.answer = lambda asked: (
        None if "elsewhere" in asked else whole(b"", status, "Location: /elsewhere\r\n")
    )

    assert "no redirect is followed" in ask(engine, question)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("kind", [Client, PodmanClient])
def test_no_client_follows_one_be_it_asked_to(fake: FakeEngine, kind: type[Client]) -> None:
    api = kind(base_url=fake.url, version="1.44")
    fake.answer = lambda _: whole(b"", "302 Found", "Location: http+docker://localhost/elsewhere\r\n")
    for streamed in (False, True):
        with pytest.raises(answers.BadAnswer, match="no redirect is followed"):
            api.get(api._url("/info"), stream=streamed, allow_redirects=True)
    assert [each.split()[1] for each in fake.asked] == ["/info", "/info"]


def test_a_dockerfile_can_not_have_another_thing_looked_at(fake: FakeEngine, engine: Engine) -> None:
    """An engine redirects ``/images/../containers/NAME/json``: the container's environment would be ours."""
    fake.asked.clear()
    images = BaseImages(engine)
    for name in ("../containers/x", "a/../../containers/x", "..", "a?b=c", "x#", "../../v1.41/containers/x"):
        assert name not in images
    assert fake.asked == []
    assert images["some/image:tag"].env == {"A": "b"}


def test_nor_can_whoever_names_an_image_or_a_container(fake: FakeEngine, engine: Engine) -> None:
    fake.asked.clear()
    with pytest.raises(UsageError, match="no image can have that name"):
        find_image(engine, "../containers/x")
    for ask_for in (engine.api.inspect_image, engine.api.inspect_container, engine.api.remove_container):
        with pytest.raises(docker.errors.DockerException, match="names no image, container or network"):
            ask_for("../info")
    assert fake.asked == []


def test_an_answer_that_is_too_large(
    fake: FakeEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ctxsize.engine.clients.read_whole", lambda response: answers.read_whole(response, 1 << 20)
    )
    fake.answer = lambda _: whole(b" " * (2 << 20) + b"[]")
    assert "more than 1 MiB" in ask(engine, "/images/json")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip, gzip"])
def test_a_compressed_answer_is_not_unpacked(fake: FakeEngine, engine: Engine, coding: str) -> None:
    fake.answer = lambda _: whole(gzip.compress(bytes(1 << 20)), headers=f"Content-Encoding: {coding}\r\n")
    assert "compressed" in ask(engine, "/images/json")
    with pytest.raises(EngineError, match="compressed"):
        open_images(engine.api, [IMAGE])


def test_an_error_of_any_length_is_one_short_line(fake: FakeEngine, engine: Engine) -> None:
    fake.answer = lambda _: whole(json.dumps({"message": "word " * 1_000_000}).encode(), "500 No")
    assert ask(engine, "/images/json").startswith("the engine did not do what it was asked: {")


def dripping(head: bytes) -> Callable[[socket.socket], None]:
    """Say ``head``, and then a byte every tenth of a second."""

    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(head)
            while True:
                connection.sendall(b" ")
                time.sleep(0.1)

    return drip


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nA:",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 500 No\r\n\r\n",
    ],
    ids=["status", "header", "body", "error"],
)
def test_an_answer_that_comes_byte_by_byte_is_given_up(fake: FakeEngine, engine: Engine, head: bytes) -> None:
    fake.answer = lambda _: dripping(head)
    engine.api.timeout = 1
    with must_end():
        assert "did not answer whole within 1 seconds" in ask(engine, "/images/json")


def test_an_event_that_never_ends(fake: FakeEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_EVENT_BYTES", 1 << 20)
    fake.answer = lambda _: whole(b'{"stream": "' + b"x" * (2 << 20))
    response = engine.api.post(engine.api._url("/build"), stream=True)
    with pytest.raises(answers.BadAnswer, match="more than 1 MiB"):
        list(answers.events(response))


@pytest.mark.parametrize("text", [b"[1]\n", b"5", b"{", b"{" * 1000, b'{"a":' * 100_000])
def test_events_that_are_none(fake: FakeEngine, engine: Engine, text: bytes) -> None:
    fake.answer = lambda _: whole(b'{"a": 1}{"b": 2}\r\n' + text)
    found = answers.events(engine.api.post(engine.api._url("/build"), stream=True))
    assert [next(found), next(found)] == [{"a": 1}, {"b": 2}]
    with pytest.raises(answers.BadAnswer):
        next(found)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        UPGRADE[:20],
        b"HTTP/1.1 101 UPGRADED\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 50\r\n\r\nno",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\nx",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_session_that_is_cut_off(fake: FakeEngine, engine: Engine, answer: bytes) -> None:
    fake.answer = lambda _: answer
    try:
        with contextlib.closing(Fallback(engine.new_client())) as control:
            buildkit.probe(control)
    except buildkit.BuildKitError as error:
        assert "\n" not in str(error)


def frame(kind: int, stream: int, data: bytes, flags: int = 0) -> bytes:
    return len(data).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + data


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, b"")
#: ``:method: POST``, ``:scheme: http``, ``:path: /``, as HPACK's static table has them.
HEADERS = b"\x83\x86\x84"


def resets() -> bytes:
    return b"".join(
        frame(1, number, HEADERS, 4) + frame(3, number, bytes(4)) for number in range(1, 2 * 3000, 2)
    )


FLOODS = {
    "calls that it breaks off": resets,
    "pings": lambda: frame(6, 0, bytes(8)) * 15_000,
    "changes of settings": lambda: b"".join(
        frame(4, 0, b"\0\3" + (100 + number % 2).to_bytes(4, "big")) for number in range(3000)
    ),
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_ends_the_session(fake: FakeEngine, engine: Engine, what: str) -> None:
    def flood(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(UPGRADE + PREFACE)
            data = FLOODS[what]()
            connection.settimeout(5)
            for start in range(0, len(data), 1000):
                connection.sendall(data[start : start + 1000])
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    connection.recv(1 << 16)
                connection.settimeout(5)
            while connection.recv(1 << 16):
                pass

    fake.answer = lambda _: flood
    session = Session([Health()], name="x", shared_key="y")
    with contextlib.closing(Fallback(engine.new_client())) as control, control.serving(session):
        wait_until("it is given up", lambda: bool(session._lost))
        with pytest.raises(buildkit.ConnectionLost, match=f"floods the connection: more than .* {what}"):
            session.check()


def test_a_history_that_floods_is_given_up(fake: FakeEngine, engine: Engine) -> None:
    fake.answer = lambda _: UPGRADE + frame(4, 0, b"") + frame(6, 0, bytes(8)) * 15_000
    with (
        contextlib.closing(Control(upgrading(engine.api))) as control,
        pytest.raises(buildkit.BuildKitError),
    ):
        control.past_builds()


def test_a_layer_is_named_by_a_name(fake: FakeEngine, engine: Engine) -> None:
    """``diff_ids`` of anything else ended in a traceback when sizes were added up."""
    saved = SANE["GET /images/get"]
    text = saved[saved.index(b'"diff_ids": ["sha256:') :].split(b"]")[0] + b"]"
    fake.answer = lambda asked: (
        whole(saved.replace(text, (b'"diff_ids": [["a"]]').ljust(len(text))))
        if "/images/get" in asked
        else None
    )
    with pytest.raises(EngineError):
        open_images(engine.api, [IMAGE])


def test_what_is_sane_is_read(fake: FakeEngine, engine: Engine) -> None:
    for question in QUESTIONS.values():
        question(engine.api)
    with open_images(engine.api, [IMAGE]) as reader:
        assert reader.images[IMAGE].bytes == 1000
    assert b"404" in sane("GET /nowhere")
