"""The engine's trace becomes steps, times, log and warnings."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from ctxsize.engine.buildkit import Trace, trace
from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.trace import decode_trace, read_status


def aux(**fields: object) -> str:
    return base64.b64encode(pb.StatusResponse(**fields).SerializeToString()).decode()  # type: ignore[arg-type]


def at(seconds: float) -> pb.Timestamp:
    return pb.Timestamp(seconds=int(seconds), nanos=round(seconds % 1 * 1e9))


def fold(*events: str) -> Trace:
    trace = Trace()
    for event in events:
        trace.add(read_status(decode_trace(event)))
    return trace


def test_a_step_that_runs_twice_adds_its_runs() -> None:
    trace = fold(
        aux(vertexes=[pb.Vertex(digest="d", name="step", inputs=["i"])]),
        aux(vertexes=[pb.Vertex(digest="d", name="step", started=at(10))]),
        aux(vertexes=[pb.Vertex(digest="d", name="step", started=at(10), completed=at(12.5))]),
        aux(vertexes=[pb.Vertex(digest="d", name="step", started=at(10), completed=at(12.5))]),
        aux(vertexes=[pb.Vertex(digest="d", name="step", started=at(20))]),
        aux(vertexes=[pb.Vertex(digest="d", name="step", started=at(20), completed=at(21), cached=True)]),
    )
    (vertex,) = trace.vertices
    assert vertex.runs == ((10.0, 12.5), (20.0, 21.0))
    assert (vertex.started, vertex.completed, vertex.seconds, vertex.cached) == (10.0, 21.0, 3.5, True)


def test_a_step_that_never_ended_has_no_seconds() -> None:
    (vertex,) = fold(aux(vertexes=[pb.Vertex(digest="d", name="step", started=at(10))])).vertices
    assert (vertex.started, vertex.seconds) == (10.0, None)


def test_the_last_status_of_a_part_counts() -> None:
    (vertex,) = fold(
        aux(vertexes=[pb.Vertex(digest="d", name="load")]),
        aux(statuses=[pb.VertexStatus(id="transferring context:", vertex="d", current=5, started=at(1))]),
        aux(statuses=[pb.VertexStatus(id="transferring context:", vertex="d", current=9, completed=at(2))]),
    ).vertices
    (status,) = vertex.statuses
    assert (status.current, status.completed) == (9, 2.0)


def test_log_pieces_join_into_lines_per_stream() -> None:
    trace = fold(
        aux(logs=[pb.VertexLog(vertex="d", stream=1, msg=b"one\ntw")]),
        aux(logs=[pb.VertexLog(vertex="d", stream=2, msg=b"error\r\n")]),
        aux(
            logs=[
                pb.VertexLog(vertex="d", stream=1, msg=b"o\nlast"),
                pb.VertexLog(vertex="e", msg=b"x\xff\n"),
            ]
        ),
    )
    assert trace.log_lines("d") == ["one", "error", "two", "last"]
    assert trace.log_lines() == ["one", "error", "two", "x\ufffd", "last"]


def test_warnings_are_the_builders_words() -> None:
    warning = pb.VertexWarning(vertex="d", short=b"JSONArgsRecommended", detail=[b"use JSON"])

    assert fold(aux(warnings=[warning])).warnings == ["JSONArgsRecommended"]


@pytest.mark.parametrize("junk", ["not base64!", base64.b64encode(b"\xff\xff\xff").decode()])
def test_junk_is_a_value_error(junk: str) -> None:
    with pytest.raises(ValueError, match="not a BuildKit trace"):
        decode_trace(junk)


@pytest.mark.parametrize(
    ("bound", "event"),
    [
        ("MOST_STEPS", lambda number: aux(vertexes=[pb.Vertex(digest=f"d{number}")])),
        ("MOST_STATUSES", lambda number: aux(statuses=[pb.VertexStatus(id=f"s{number}")])),
        ("MOST_WARNINGS", lambda number: aux(warnings=[pb.VertexWarning(short=b"w")])),
        (
            "MOST_RUNS",
            lambda number: aux(
                vertexes=[pb.Vertex(digest="d", started=at(number), completed=at(number + 1))]
            ),
        ),
    ],
)
def test_an_account_without_an_end_is_none(
    monkeypatch: pytest.MonkeyPatch, bound: str, event: Callable[[int], str]
) -> None:
    monkeypatch.setattr(trace, bound, 20)
    account = Trace()
    with pytest.raises(ValueError, match="more than 20"):
        for number in range(30):
            update = read_status(decode_trace(event(number)))
            account.check(update)
            account.add(update)


def test_output_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MOST_LOG_BYTES", 1000)
    account = fold(*[aux(logs=[pb.VertexLog(vertex="d", msg=b"x" * 99 + b"\n")]) for _ in range(30)])
    assert len(account.log_lines()) == 10
