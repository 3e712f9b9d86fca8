"""Where BuildKit's own API is not to be had: what is asked of the engine instead, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from ctxsize.engine.buildkit import ConnectionLost, RequestError, SolveRequest
from ctxsize.engine.buildkit.fallback import Fallback, _parameters
from tests.support.fake_engine import FakeEngine, whole

ITEM = {
    "ID": "a",
    "Description": "d",
    "CreatedAt": "2026-01-01T00:00:00.000000007Z",
    "Size": 5,
    "Shared": True,
    " Parents": ["b"],
}


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    made = FakeEngine(tmp_path_factory.mktemp("e") / "s")
    yield made
    made.close()


def fallback(engine: FakeEngine, version: str, answer: dict[str, Any] | None = None) -> Fallback:
    if answer is not None:
        engine.answer = lambda _asked: whole(json.dumps(answer).encode())
    return Fallback(docker.APIClient(base_url=engine.url, version=version), "refused: 403")


@pytest.mark.parametrize(
    ("version", "asked", "answer"),
    [
        ("1.41", "GET /system/df HTTP/1.1", {"BuildCache": [ITEM]}),
        ("1.51", "GET /system/df?type=build-cache HTTP/1.1", {"BuildCache": [ITEM]}),
        (
            "1.52",
            "GET /system/df?type=build-cache&verbose=1 HTTP/1.1",
            {"BuildCacheUsage": {"TotalCount": 1, "Items": [ITEM]}},
        ),
        (
            "1.52",
            "GET /system/df?type=build-cache&verbose=1 HTTP/1.1",
            {"BuildCache": [ITEM], "BuildCacheUsage": None},
        ),
    ],
)
def test_the_cache_is_read_from_either_answer(
    engine: FakeEngine, version: str, asked: str, answer: dict[str, Any]
) -> None:
    (found,) = fallback(engine, version, answer).disk_usage()
    assert (found.id, found.parents, found.size, found.shared) == ("a", ("b",), 5, True)
    assert found.created % 10**9 == 7
    assert engine.asked == [asked]


@pytest.mark.parametrize(
    "answer",
    [{"BuildCache": []}, {"BuildCache": None}, {"BuildCacheUsage": {}}, {"BuildCacheUsage": {"Items": []}}],
)
def test_an_empty_cache_is_one(engine: FakeEngine, answer: dict[str, Any]) -> None:
    assert fallback(engine, "1.52", answer).disk_usage() == []


@pytest.mark.parametrize("answer", [{}, {"LayersSize": 5}, {"BuildCacheUsage": {"TotalCount": 3}}])
def test_an_engine_that_tells_no_cache_has_not_an_empty_one(
    engine: FakeEngine, answer: dict[str, Any]
) -> None:
    """What is not told would never be cleaned."""
    with pytest.raises(ConnectionLost, match="the engine's answer about the build cache makes no sense"):
        fallback(engine, "1.52", answer).disk_usage()


def test_a_request_in_the_parameters_of_the_engine() -> None:
    request = SolveRequest(
        target="t",
        build_args={"A": "1", "B": None},
        labels={"l": "v"},
        tags=["x", "y"],
        pull=True,
        no_cache=True,
        network="none",
    ).message("id")
    assert _parameters(request) == {
        "version": "2",
        "remote": "client-session",
        "rm": "1",
        "session": "id",
        "buildid": request.ref,
        "dockerfile": "Dockerfile",
        "target": "t",
        "networkmode": "none",
        "nocache": "1",
        "pull": "1",
        "buildargs": '{"A": "1"}',
        "labels": '{"l": "v"}',
        "t": ["x", "y"],
    }


def test_what_only_buildkits_own_api_can_do_is_said() -> None:
    request = SolveRequest(attributes={"context:base": "local:base"}).message("id")
    with pytest.raises(RequestError, match="context:base needs BuildKit's own API"):
        _parameters(request)
    for exporter in ("oci", ""):
        with pytest.raises(RequestError, match=r"an exporter other than moby .* needs BuildKit's own API"):
            _parameters(SolveRequest(exporter=exporter).message("s"))


def test_a_history_that_can_not_be_seen_is_no_empty_one(engine: FakeEngine) -> None:
    assert fallback(engine, "1.41").past_builds() == {}
    with pytest.raises(ConnectionLost, match="the build history can't be had: refused: 403"):
        fallback(engine, "1.44").past_builds()
