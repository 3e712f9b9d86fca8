"""Asked for its history, whatever is there instead of an engine gets an error of ours, and soon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from ctxsize.engine.buildkit import BuildKitError, history
from ctxsize.engine.footprint.leftovers import past_builds

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
NONSENSE = b"\x00\x00\x08\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x03\xff\xff\xff"
HEADERS = b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"


@pytest.fixture
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes, str], docker.APIClient]]:
    """``answering(data, version)``: a client of something that says ``data`` to whatever comes, and hangs
    up."""
    listener = socket.socket(socket.AF_UNIX)
    path: Path = tmp_path_factory.mktemp("e") / "s"
    listener.bind(str(path))
    listener.listen()

    def start(data: bytes, version: str) -> docker.APIClient:
        def work() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(data)

        threading.Thread(target=work, daemon=True).start()
        return docker.APIClient(base_url=f"unix://{path}", version=version)

    yield start
    listener.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        UPGRADED,
        UPGRADED + b"garbage that is no HTTP/2 at all",
        UPGRADED + SETTINGS,
        UPGRADED
        + SETTINGS
        + HEADERS
        + b"\x00\x00\x08\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x03\xff\xff\xff",
    ],
)
def test_what_is_no_answer(
    answering: Callable[[bytes, str], docker.APIClient], data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BuildKitError) as caught:
        history.past_builds(answering(data, "1.44"))
    assert "\n" not in str(caught.value)
    history_of_runs = past_builds(answering(data, "1.44"))
    assert history_of_runs.builds == {}
    assert history_of_runs.unseen.startswith(("the build history can't be had", "the engine"))

    assert capfd.readouterr() == ("", "")


def test_an_older_engine_is_not_asked(answering: Callable[[bytes, str], docker.APIClient]) -> None:
    assert history.past_builds(answering(b"", "1.41")) == {}
