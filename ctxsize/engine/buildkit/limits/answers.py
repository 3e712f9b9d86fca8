"""Answers of an engine, bounded: how large they may be, how long they may take, and what JSON may be in them.

An engine, or what sits between it and us, can answer without an end, a byte a second, or with text that takes
a thousand times its size in memory. What breaks a bound raises ``BadAnswer``, one of the Docker SDK's errors:
so it is handled where any trouble with an engine is.
"""

from __future__ import annotations

import http.client
import json
import math
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar

import requests
import urllib3.exceptions
from docker.errors import DockerException

from ctxsize.engine.buildkit.bridge import interrupt
from ctxsize.engine.buildkit.errors import ConnectionLost
from ctxsize.files.nested import nested_input

MOST_BYTES = 32 * 1024 * 1024
"""Bytes of an answer that is read as a whole: the largest, lists of images and of the build cache, have less
than a kilobyte for each entry. Parsed it takes up to thirty times as much."""
MOST_ERROR_BYTES = 256 * 1024
"""Bytes of an error's explanation that are read; the rest of it is dropped."""
MOST_EVENT_BYTES = 16 * 1024 * 1024
"""Bytes of one event of a build; BuildKit's largest hold a piece of a log, of 2 MiB at most."""
POLL = 0.5
"""Seconds between looks at whether all is well while nothing comes."""
#: Silence is found by the connection's own time-out, and told as that.
_GRACE_SECONDS = 1.0
_PIECE = 64 * 1024
_FRACTION = re.compile(r"\.(\d{1,9})", re.ASCII)
_DECODER = json.JSONDecoder()
_Result = TypeVar("_Result")
_Event = TypeVar("_Event")


class BadAnswer(DockerException):  # type: ignore[misc]
    """An answer that no engine gives."""


class TooLate(BadAnswer):
    """An answer that takes too long."""


def within(seconds: float | None, work: Callable[[], _Result]) -> _Result:
    """What ``work``, called in a thread, returns or raises. Raises TooLate when it takes longer than so
    many ``seconds``, however often it hears something; the thread then ends with the connection, or with
    us."""
    if seconds is None:
        return work()
    reader = Reader[_Result]("ctxsize-answer")
    reader.start(lambda: iter([work()]))
    try:
        found = reader.events.get(timeout=seconds + _GRACE_SECONDS)
    except queue.Empty:
        raise TooLate(f"it did not answer whole within {seconds:g} seconds") from None
    if isinstance(found, BaseException):
        raise found
    assert found is not None
    return found


class Reader(Generic[_Event]):
    """Reads in a thread of its own, called ``name``, so that silence can't hold us. ``response`` is what it
    reads, as soon as there is one; ``ended`` says whether it has come to an end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self.events: queue.SimpleQueue[_Event | BaseException | None] = queue.SimpleQueue()
        self.response: requests.Response | None = None
        self.ended = False

    def start(self, read: Callable[[], Iterator[_Event]]) -> None:
        """Begin to put what ``read`` comes up with into ``events``."""
        self._thread = threading.Thread(target=self._run, args=(read,), name=self._name, daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """End the connection, and wait so long for the thread to end."""
        if self._thread is not None and self._thread.is_alive():
            if self.response is not None:
                interrupt(self.response)
            self._thread.join(seconds)

    def _run(self, read: Callable[[], Iterator[_Event]]) -> None:
        last: BaseException | None = None
        try:
            for event in read():
                self.events.put(event)
        except BaseException as error:  # whatever it is, the caller must hear of it rather than wait
            last = error
        self.ended = True
        self.events.put(last)


def follow(
    events: queue.SimpleQueue[_Event | BaseException | None],
    check: Callable[[], None] = lambda: None,
    silence: float = math.inf,
) -> Iterator[_Event]:
    """What another thread puts into ``events``, up to a None; an error there is raised. ``check`` is called
    now and then while nothing comes. Raises ConnectionLost when that goes on for so many seconds."""
    heard = time.monotonic()
    while True:
        try:
            event = events.get(timeout=POLL)
        except queue.Empty:
            check()
            if time.monotonic() - heard > silence:
                raise ConnectionLost(f"nothing heard from the engine for {silence:g} seconds") from None
            continue
        heard = time.monotonic()
        if event is None:
            return
        if isinstance(event, BaseException):
            raise event
        yield event


def read_whole(response: requests.Response, most: int = MOST_BYTES) -> None:
    """Read the body of a streamed ``response``, as ``response.content`` would. Raises BadAnswer for one of
    more than ``most`` bytes; of an error the first MOST_ERROR_BYTES are enough."""
    limit = most if response.ok else MOST_ERROR_BYTES
    body = bytearray()
    for piece in pieces(response):
        body += piece
        if len(body) > limit:
            response.close()
            if response.ok:
                raise BadAnswer(f"its answer has more than {most >> 20} MiB")
            break
    response._content = bytes(body[:limit])
    response._content_consumed = True  # type: ignore[attr-defined]


def pieces(response: requests.Response) -> Iterator[bytes]:
    """The body of a streamed response, in pieces of bounded size as they come, none of them decompressed.
    Raises requests' ConnectionError where it breaks off."""
    try:
        yield from _pieces(response)
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise requests.exceptions.ConnectionError(error) from error


def _pieces(response: requests.Response) -> Iterator[bytes]:
    reader: Any = response.raw
    while True:
        # A chunk, or what of it is bounded: waiting for more would hold back what was said.
        data = reader.read(1, decode_content=False)
        if not data:
            return
        left = getattr(reader._fp, "chunk_left", None) if getattr(reader._fp, "chunked", False) else _PIECE
        if left:
            data += reader.read(min(left, _PIECE) if isinstance(left, int) else _PIECE, decode_content=False)
        yield data


def events(response: requests.Response) -> Iterator[dict[str, Any]]:
    """The JSON objects that a streamed response consists of. Raises BadAnswer for anything else."""
    begun = bytearray()
    for piece in pieces(response):
        begun += piece
        if b"\n" in piece:
            whole, _, rest = begun.rpartition(b"\n")
            begun = bytearray(rest)
            yield from _objects(whole)
        if len(begun) > MOST_EVENT_BYTES:
            raise BadAnswer(f"one of its messages has more than {MOST_EVENT_BYTES >> 20} MiB")
    yield from _objects(begun)


def _objects(lines: bytes | bytearray) -> Iterator[dict[str, Any]]:
    text = lines.decode(errors="replace").strip()
    at = 0
    while at < len(text):
        try:
            with nested_input():
                found, at = _DECODER.raw_decode(text, at)
        except ValueError:
            raise BadAnswer("its answer is not JSON") from None
        if not isinstance(found, dict):
            raise BadAnswer("one of its messages is no JSON object")
        yield found
        while at < len(text) and text[at].isspace():
            at += 1


def parse(response: requests.Response) -> Any:
    """The JSON that ``response`` holds, whose body was read. Raises BadAnswer when it is none, or nested so
    deep that it can't be taken apart."""
    try:
        with nested_input():
            return json.loads(response.content.decode(errors="replace"))
    except ValueError:
        raise BadAnswer("its answer is not JSON") from None


def parse_time(text: str) -> int:
    """An RFC 3339 time with up to nine digits of a second as nanoseconds since the epoch."""
    whole = datetime.fromisoformat(_FRACTION.sub("", text))
    fraction = _FRACTION.search(text)
    return int(whole.timestamp()) * 10**9 + (int(fraction[1].ljust(9, "0")) if fraction else 0)
