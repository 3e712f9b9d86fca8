"""BuildKit in an engine that lets nobody near its own API: by ``/session`` and ``/build``, ``/system/df`` and
``/build/prune``. A build is the same, but newer engines keep it in their history, and only the attributes
that ``docker build`` has parameters for can be passed on.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import docker
import docker.errors
import requests

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.bridge import speaks, upgraded
from ctxsize.engine.buildkit.control.client import CacheRecord, Control, SessionDial, Worker
from ctxsize.engine.buildkit.control.loop import Refused
from ctxsize.engine.buildkit.errors import ConnectionLost, RequestError, SessionUnavailable, reason, shown
from ctxsize.engine.buildkit.limits import answers
from ctxsize.engine.buildkit.session import OPEN_TIMEOUT
from ctxsize.engine.buildkit.trace import TRACE_ID, decode_trace

CANCEL_TIMEOUT = 5.0
"""Seconds the engine has to take note that a build is abandoned, and our reader to end."""
#: The first API version in which `/system/df` can be asked for the build cache alone, and for its details.
_DF_BY_TYPE = (1, 42)
_DF_VERBOSE = (1, 52)
_DF_SECONDS = 600
#: How an older engine refuses a second question while it answers the first, be it another run's.
_BUSY = "disk usage operation is already running"
_PAUSE_SECONDS = 0.2
#: The first API version whose engines have a history of builds.
_HISTORY = (1, 43)
#: What `/build` calls the attributes of the Dockerfile frontend, and the value that some always have there.
_PARAMETERS = {
    "filename": "dockerfile",
    "target": "target",
    "platform": "platform",
    "force-network-mode": "networkmode",
    "no-cache": "nocache",
    "image-resolve-mode": "pull",
}
_FIXED = {"no-cache": "1", "image-resolve-mode": "1"}
_NEEDS = "{} needs BuildKit's own API, and the engine lets nobody to POST /grpc"
_MAPS = {"build-arg": "buildargs", "label": "labels"}


class Fallback(Control):
    """What a Control does, by the engine's HTTP API."""

    leaves_history = True

    def __init__(self, api: docker.APIClient, why: str = "") -> None:
        """``why`` says why BuildKit's own API is not to be had."""
        super().__init__(_refuse, sessions(api))
        self._api = api
        self._why = why

    def solve(
        self,
        request: pb.SolveRequest,
        take: Callable[[pb.StatusResponse], None],
        check: Callable[[], None] = lambda: None,
    ) -> dict[str, str]:
        """Build with POST ``/build``, whose events have the account of the build."""
        parameters = _parameters(request)
        reader = answers.Reader[dict[str, Any]]("buildkit-events")
        answer = {}
        reader.start(lambda: self._build(parameters, reader))
        try:
            for event in answers.follow(reader.events, check):
                if event.get("id") == TRACE_ID:
                    take(_status(event))
                elif "error" in event:
                    raise Refused(str(event["error"]))
                elif isinstance(event.get("aux"), dict) and "ID" in event["aux"]:
                    answer["containerimage.digest"] = str(event["aux"]["ID"])
            return answer
        except BaseException as error:
            if not reader.ended and not isinstance(error, ConnectionLost):
                self._cancel(request.ref)
            raise
        finally:
            reader.close(CANCEL_TIMEOUT)

    def _build(
        self, parameters: dict[str, Any], reader: answers.Reader[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        """What the engine answers. Raises Refused, and ConnectionLost when the engine ends early."""
        try:
            # No read time-out: a step may be silent for hours. The session notices when the engine is gone.
            response = self._api.post(
                self._api._url("/build"),
                params=parameters,
                stream=True,
                timeout=(OPEN_TIMEOUT, None),
                allow_redirects=False,
            )
            reader.response = response
            if response.ok:
                yield from answers.events(response)
                return
            if not response._content_consumed:  # a client of the SDK's own
                answers.read_whole(response)
            message = _message(response)
        except Exception as error:
            raise ConnectionLost(f"the connection to the engine broke: {reason(error)}") from error
        raise Refused(message)

    def _cancel(self, ref: str) -> None:
        with contextlib.suppress(requests.RequestException, docker.errors.DockerException):
            self._api.post(self._api._url("/build/cancel"), params={"id": ref}, timeout=CANCEL_TIMEOUT)

    def disk_usage(self) -> list[CacheRecord]:
        """All records of the build cache."""
        api = self._api
        parameters = {"type": "build-cache"} if speaks(api, _DF_BY_TYPE) else {}
        if speaks(api, _DF_VERBOSE):
            parameters["verbose"] = "1"
        deadline = time.monotonic() + _DF_SECONDS
        while True:
            # Without a type it adds up everything the engine has, which can take minutes.
            response = api._get(api._url("/system/df"), params=parameters, timeout=_DF_SECONDS)
            if response.ok or _BUSY not in response.text or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
        api._raise_for_status(response)
        with _sensible("the build cache"):
            return [_record(each) for each in _cache_of(answers.parse(response))]

    def prune(self, ids: Iterable[str], told: Callable[[str], None] = lambda _id: None) -> set[str]:
        """Remove the records with these ids on which nothing builds: the ids of those it did remove. ``told``
        is called with each once all are gone."""
        # A regular expression, in quotes that BuildKit's filter syntax wants.
        expression = "|".join(sorted(ids))
        parameters = {"all": "1", "filters": json.dumps({"id": [f'"^({expression})$"']})}
        response = self._api._post(self._api._url("/build/prune"), params=parameters)
        self._api._raise_for_status(response)
        with _sensible("pruning the build cache"):
            gone = set(answers.parse(response).get("CachesDeleted") or [])
        for each in gone:
            told(each)
        return gone

    def workers(self) -> list[Worker]:
        """Not told."""
        return []

    def past_builds(self) -> dict[str, dict[str, str]]:
        """None. Raises ConnectionLost where there is a history: only BuildKit's own API shows it."""
        if speaks(self._api, _HISTORY):
            raise ConnectionLost(f"the build history can't be had: {self._why}")
        return {}


def sessions(api: docker.APIClient) -> SessionDial:
    """Opens sessions by POST ``/session``, turned into HTTP/2."""
    return lambda metadata: upgraded(api, "/session", metadata, OPEN_TIMEOUT)


def _refuse() -> tuple[socket.socket, bytes]:
    raise SessionUnavailable("the engine lets nobody to POST /grpc and to POST /session")


def _parameters(request: pb.SolveRequest) -> dict[str, Any]:
    """The query of POST /build, which has the names of the classic builder. Raises RequestError for what has
    none."""
    if request.exporter != "moby":
        raise RequestError(_NEEDS.format(f"an exporter other than moby ({request.exporter or 'none'})"))
    query: dict[str, Any] = {"version": "2", "remote": "client-session", "rm": "1"}
    query |= {"session": request.session, "buildid": request.ref}
    if names := request.exporter_attrs.get("name"):
        query["t"] = names.split(",")
    maps: dict[str, dict[str, str]] = {name: {} for name in _MAPS.values()}
    for name, value in sorted(request.frontend_attrs.items()):  # a context before what it needs of a frontend
        kind, _, key = name.partition(":")
        if key and kind in _MAPS:
            maps[_MAPS[kind]][key] = value
        elif name in _PARAMETERS:
            query[_PARAMETERS[name]] = _FIXED.get(name, value)
        else:
            raise RequestError(_NEEDS.format(name))
    return query | {name: json.dumps(values) for name, values in maps.items() if values}


def _status(event: Mapping[str, Any]) -> pb.StatusResponse:
    with _sensible("the build"):
        return decode_trace(event["aux"])


@contextlib.contextmanager
def _sensible(what: str) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ConnectionLost(f"the engine's answer about {what} makes no sense: {reason(error)}") from error


def _cache_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records in an answer of /system/df: from API 1.52 on in ``BuildCacheUsage``, before in
    ``BuildCache``. Raises KeyError where they are in neither."""
    usage = answer.get("BuildCacheUsage")
    if usage is None:
        return answer["BuildCache"] or []
    return usage.get("Items") or [] if not usage.get("TotalCount") else usage["Items"]


def _record(fields: Mapping[str, Any]) -> CacheRecord:
    # Engine 28 and newer write the key with a leading space.
    parents = [str(each) for each in fields.get("Parents") or fields.get(" Parents") or []]
    if fields.get("Parent"):
        parents.append(str(fields["Parent"]))
    return CacheRecord(
        id=str(fields["ID"]),
        description=str(fields.get("Description", "")),
        parents=tuple(parents),
        created=answers.parse_time(str(fields["CreatedAt"])),
        size=int(fields.get("Size") or 0),
        shared=bool(fields.get("Shared")),
    )


def _message(response: requests.Response) -> str:
    try:
        return shown(str(answers.parse(response)["message"]))
    except (answers.BadAnswer, KeyError, TypeError):
        return shown(response.text) or f"HTTP status {response.status_code}"
