"""Lines of a build's log out of the pieces in which they come."""

from __future__ import annotations

import pytest

from ctxsize.engine.builders.output import LONGEST, LogLines
from ctxsize.engine.buildkit import LogLine


def lines(*pieces: tuple[str, int, bytes]) -> list[str]:
    said: list[str] = []
    log = LogLines(said.append)
    for vertex, stream, data in pieces:
        log.add([LogLine(vertex, stream, data)])
    log.close()
    return said


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"on", b"e\ntw", b"o\n"], ["one", "two"]),
        ([b"no", b" end"], ["no end"]),
        ([b"\xc3", b"\xa9\n"], ["é"]),
        ([b"not utf-8 \xff\n"], ["not utf-8 \ufffd"]),
        ([b"\n", b"\n"], ["", ""]),
        ([b"10 %\r20 %", b"\rdone\n"], ["10 %", "20 %", "done"]),
    ],
)
def test_a_line_is_said_once_all_of_it_is_there(pieces: list[bytes], said: list[str]) -> None:
    assert lines(*(("a", 1, piece) for piece in pieces)) == said


def test_each_stream_of_each_step_has_lines_of_its_own() -> None:
    mixed = [("a", 1, b"a1"), ("a", 2, b"a2"), ("b", 1, b"b1\n"), ("a", 2, b"\n"), ("a", 1, b"\n")]

    assert lines(*mixed) == ["b1", "a2", "a1"]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    said = lines(*(("a", 1, b"x" * 30_000) for _ in range(200)))

    assert max(map(len, said)) <= LONGEST
    assert sum(map(len, said)) == 200 * 30_000
