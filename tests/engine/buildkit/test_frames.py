"""Frames made and read in bulk are what they would be one by one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from grpclib.exceptions import ProtocolError
from grpclib.protocol import Buffer
from h2.exceptions import FrameTooLargeError
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.frames import PREFACE, Bulk, _frames, framed, messages
from tests.fuzz.profile import effort

UPDATE = 8
Frame = tuple[int, int, bytes]
FRAMES = st.lists(
    st.one_of(
        st.builds(
            lambda stream, by: (UPDATE, stream, by.to_bytes(4, "big")),
            *(st.integers(0, 2), st.sampled_from([0, 1, 5, 2**30, 2**31 - 1, 2**32 - 1])),
        ),
        st.builds(
            lambda kind, stream, data: (kind, stream, data),
            *(st.sampled_from([0, 1, 3, 4, 6, 8]), st.integers(0, 2), st.binary(max_size=12)),
        ),
    ),
    max_size=12,
)


def written(frames: Sequence[Frame]) -> bytes:
    return b"".join(
        len(data).to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + data
        for kind, stream, data in frames
    )


def read(data: bytes) -> list[Frame]:
    found, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 3], "big")
        stream = int.from_bytes(data[at + 5 : at + 9], "big")
        found.append((data[at + 3], stream, data[at + 9 : at + 9 + length]))
        at += 9 + length
    return found


def added_up(frames: Sequence[Frame]) -> list[object]:
    """The frames, and of what lies between two others the updates as sums by stream, and the content put
    together as long as it is of one stream."""
    found: list[object] = []
    sums: dict[int, int] = {}
    content: list[tuple[int, bytes]] = []
    for kind, stream, data in frames:
        by = int.from_bytes(data, "big")
        if kind == UPDATE and len(data) == 4 and 0 < by < 2**31:
            sums[stream] = sums.get(stream, 0) + by
        elif kind == 0 and data:
            before = content.pop()[1] if content and content[-1][0] == stream else b""
            content.append((stream, before + data))
        else:
            found += [dict(sums), tuple(content), (kind, stream, data)]
            sums.clear()
            content.clear()
    return [*found, dict(sums), tuple(content)]


@effort(20)
@given(FRAMES, st.lists(st.integers(0, 200), max_size=5), st.booleans())
def test_updates_and_content_in_a_row_become_one_and_all_else_is_as_it_was(
    frames: list[Frame], cuts: list[int], preface: bool
) -> None:
    start = PREFACE if preface else b""
    data = start + written(frames)
    bulk = Bulk(len(start))
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [bulk.merged(data[a:b]) for a, b in itertools.pairwise(places)]
    merged = b"".join(pieces)

    assert merged.startswith(start)
    assert added_up(read(merged[len(start) :])) == added_up(frames)
    assert len(merged) <= len(data)


def test_a_hundred_updates_are_one() -> None:
    frames = [(UPDATE, number % 2, (4096).to_bytes(4, "big")) for number in range(100)]
    assert read(Bulk().merged(written(frames))) == [
        (UPDATE, 0, (50 * 4096).to_bytes(4, "big")),
        (UPDATE, 1, (50 * 4096).to_bytes(4, "big")),
    ]


def test_a_hundred_small_pieces_of_content_are_one_and_no_frame_gets_too_large() -> None:
    frames = [(0, 1, bytes([number]) * 300) for number in range(100)]
    found = read(Bulk().merged(written(frames)))
    assert [(kind, stream, len(data)) for kind, stream, data in found] == [(0, 1, 16_200), (0, 1, 13_800)]
    assert b"".join(data for _, _, data in found) == b"".join(data for _, _, data in frames)


def test_what_is_no_http2_is_not_waited_for() -> None:
    with pytest.raises(FrameTooLargeError):
        Bulk().merged(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_data_is_cut_into_frames_of_the_size_that_the_peer_takes() -> None:
    data = bytes(range(256)) * 200
    frames = read(b"".join(_frames(7, memoryview(data), 16_384)))
    assert [(kind, stream, len(piece)) for kind, stream, piece in frames] == [
        (0, 7, 16_384),
        (0, 7, 16_384),
        (0, 7, 16_384),
        (0, 7, 2_048),
    ]
    assert b"".join(piece for _, _, piece in frames) == data


def received(pieces: Sequence[bytes]) -> list[bytes]:
    """What messages() makes of content that comes in these pieces, each in a frame."""

    async def read() -> list[bytes]:
        buffer = Buffer(lambda size: acknowledged.append(size))
        stream: Any = SimpleNamespace(buffer=buffer, recv_data=buffer.read)
        for piece in filter(None, pieces):
            buffer.add(piece, len(piece))
        buffer.eof()
        return [message.data async for message in messages(stream, pb.BytesMessage)]

    acknowledged: list[int] = []
    found = asyncio.run(read())
    assert sum(acknowledged) == sum(map(len, pieces))
    return found


@effort(20)
@given(st.lists(st.binary(max_size=20), max_size=8), st.lists(st.integers(0, 250), max_size=5))
def test_messages_are_whole_wherever_their_bytes_are_cut(contents: list[bytes], cuts: list[int]) -> None:
    data = b"".join(framed(pb.BytesMessage(data=content).SerializeToString()) for content in contents)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert received([data[a:b] for a, b in itertools.pairwise(places)]) == contents


def test_a_message_that_is_too_large_or_compressed_is_refused_at_its_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ctxsize.engine.buildkit.frames.MOST_MESSAGE_BYTES", 100)
    with pytest.raises(ProtocolError, match="a message of 101 bytes"):
        received([framed(bytes(101))[:5]])
    with pytest.raises(ProtocolError, match="a compressed message"):
        received([b"\1" + bytes(4)])


@pytest.mark.parametrize("there", [1, 5, 7])
def test_a_message_that_is_not_whole_is_no_end(there: int) -> None:
    whole = framed(pb.BytesMessage(data=b"content").SerializeToString())
    with pytest.raises(ProtocolError, match=f"it ends {there} bytes after a message began"):
        received([whole + whole[:there]])
