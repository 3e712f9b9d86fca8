"""One build through BuildKit, driven as ``docker build`` drives it.

``build`` opens a session, asks the engine to build (POST ``/build?version=2&remote=client-session``),
serves the directories while it does, and returns the trace, the transfers and the image. It blocks; the
session is answered from a thread of its own.
"""

from __future__ import annotations

import contextlib
import copy
import json
import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import docker
import docker.errors
import requests

from ctxsize.engine.buildkit.auth import Auth
from ctxsize.engine.buildkit.bridge import interrupt
from ctxsize.engine.buildkit.directory import ContextDir
from ctxsize.engine.buildkit.errors import (
    BuildKitError,
    ConnectionLost,
    LoginRefused,
    SolveError,
    reason,
    shown,
)
from ctxsize.engine.buildkit.filesync import FileSync, Sent, Transfer
from ctxsize.engine.buildkit.helpers import Logins
from ctxsize.engine.buildkit.limits import answers
from ctxsize.engine.buildkit.secrets import Secrets
from ctxsize.engine.buildkit.session import OPEN_TIMEOUT, Health, Service, Session
from ctxsize.engine.buildkit.sshforward import SSHForward
from ctxsize.engine.buildkit.trace import (
    TRACE_ID,
    StatusUpdate,
    Trace,
    Vertex,
    decode_trace,
)

POLL = 0.5
"""Seconds between looks at whether the session is still alive while the engine says nothing."""
CANCEL_TIMEOUT = 5.0
"""Seconds the engine has to take note that a build is abandoned, and our reader to end."""
_LOST = "transport is closing"
_REFUSED = ("401", "403", "unauthorized", "authorization", "denied", "authenticate", "basic auth")


@dataclass(frozen=True, slots=True)
class SolveRequest:
    """What to build. Names and values are those of ``docker build``'s options.

    ``dockerfile`` is a name within the served dockerfile directory. ``build_args``: a value of None leaves
    the argument unset. ``shared_key`` is the key BuildKit keeps the received directories under: a new one
    per build starts from a known state, an old one sends only what changed since. ``network`` is the mode
    for RUN steps. ``cache_name`` marks the received directories in the engine's cache: it lists them as
    "local source for <cache_name>-context" and "…-dockerfile", so that whoever made them can find and remove
    exactly them.
    """

    dockerfile: str = "Dockerfile"
    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    network: str | None = None
    pull: bool = False
    no_cache: bool = False
    tags: Sequence[str] = ()
    secrets: Sequence[str] = ()
    ssh: Sequence[str] = ()
    shared_key: str = field(default_factory=lambda: uuid.uuid4().hex)
    cache_name: str | None = None
    session_name: str = "buildkit-session"

    def params(self) -> dict[str, Any]:
        """The query of POST /build (moby api/server/router/build, the classic builder's own parameters)."""
        optional: dict[str, Any] = {
            "target": self.target,
            "platform": self.platform,
            "networkmode": self.network,
            "buildargs": json.dumps(dict(self.build_args)) if self.build_args else None,
            "labels": json.dumps(dict(self.labels)) if self.labels else None,
            "pull": "1" if self.pull else None,
            "nocache": "1" if self.no_cache else None,
            "t": list(self.tags) or None,
        }
        required = {"version": "2", "remote": "client-session", "dockerfile": self.dockerfile, "rm": "1"}
        return required | {name: value for name, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SolveResult:
    """A finished build.

    ``vertices`` are the steps in the order BuildKit reported them, ``transfers`` one per directory the
    engine asked for. ``log_lines`` is what the steps wrote.
    """

    image_id: str
    vertices: tuple[Vertex, ...]
    log_lines: tuple[str, ...]
    warnings: tuple[str, ...]
    transfers: tuple[Transfer, ...]

    @property
    def context(self) -> tuple[Transfer, ...]:
        """The transfers of the build context: none when no step needs it, several when stages ask for parts.

        What BuildKit fetched of it only to read the ignore file is not among them: that comes first, in a
        step of its own.
        """
        found = [t for t in self.transfers if t.name == "context" or t.name.endswith("-context")]
        if any(
            "load .dockerignore" in vertex.name and status.id.endswith("context:")
            for vertex in self.vertices
            for status in vertex.statuses
        ):
            reading = next((t for t in found if t.follow == (".dockerignore",) and not t.exclude), None)
            found = [t for t in found if t is not reading]
        return tuple(found)

    @property
    def sent_bytes(self) -> int:
        """Bytes of the context as the official client counts "transferring context"."""
        return sum(t.bytes for t in self.context)

    @property
    def listing_seconds(self) -> float:
        """Seconds that listing the context took; its files were already asked for and sent meanwhile."""
        return sum(t.listed - t.started - t.waited for t in self.context if t.listed is not None)

    @property
    def sent_files(self) -> int:
        """Files of the context whose content crossed to the engine."""
        return sum(t.files for t in self.context)


def build(
    api: docker.APIClient,
    request: SolveRequest,
    *,
    context: ContextDir,
    dockerfile: ContextDir,
    on_update: Callable[[StatusUpdate], None] | None = None,
    on_sent: Callable[[Sent], None] | None = None,
) -> SolveResult:
    """Build an image.

    ``on_update`` sees every trace event as it comes, in the calling thread; ``on_sent`` every write of file
    content, in the session's thread.

    Raises SolveError when the build fails (LoginRefused when a registry did not take the user's login),
    RequestError for secrets or ssh that can't be had, ServeError (or whatever a directory raises) when a
    directory can't be served, SessionUnavailable when the engine has no sessions, ConnectionLost when it
    goes.
    """
    served = {"context": context, "dockerfile": dockerfile}
    if request.cache_name is not None:
        served |= {f"{request.cache_name}-{name}": directory for name, directory in served.items()}
    directories = FileSync(served, on_sent)
    # A client that has made the configuration fit for the SDK has it; else the SDK reads the file.
    configuration = copy.deepcopy(getattr(api, "configuration", None))
    logins = Logins.load_config(None, configuration, credstore_env=api.credstore_env)
    auth = Auth(logins)
    services: list[Service] = [directories, Health(), auth]
    if request.secrets:
        services.append(Secrets(request.secrets))
    if request.ssh:
        services.append(SSHForward(request.ssh))
    trace = Trace(on_update)
    image_id = ""
    with _open_session(api, services, request) as session:
        params = request.params() | {"session": session.id, "buildid": uuid.uuid4().hex}
        try:
            with _Events(api, params) as events:
                for event in events.follow(session):
                    if event.get("id") == TRACE_ID:
                        _take(event, trace)
                    elif "error" in event:
                        if _LOST in str(event["error"]):
                            # The engine may notice before we do that the session's connection broke.
                            raise ConnectionLost(f"the build session broke: {event['error']}")
                        raise _failure(str(event["error"]), trace, auth)
                    elif isinstance(event.get("aux"), dict) and "ID" in event["aux"]:
                        image_id = str(event["aux"]["ID"])
        except BuildKitError as error:
            if directories.error is not None:
                raise directories.error from error
            session.check_flood()
            raise
        finally:
            logins.close()
    return SolveResult(
        image_id=image_id,
        vertices=trace.vertices,
        log_lines=tuple(trace.log_lines()),
        warnings=tuple(trace.warnings),
        transfers=tuple(directories.transfers),
    )


def _take(event: Mapping[str, Any], trace: Trace) -> None:
    try:
        update = decode_trace(event["aux"])
        trace.check(update)
    except (ValueError, TypeError, KeyError) as error:
        raise ConnectionLost(f"the engine's account of the build makes no sense: {reason(error)}") from error
    trace.add(update)


@contextlib.contextmanager
def _open_session(
    api: docker.APIClient, services: Sequence[Service], request: SolveRequest
) -> Iterator[Session]:
    """The session to build with.

    With a cache name there are two. BuildKit takes ``NAME:ID`` for a session's id to mean: read local
    directories from session ID, and put ``NAME-`` in front of theirs (moby/buildkit
    source/local/source.go). So the build runs under that composite id, and a second connection answers to
    ID itself.
    """
    key = {"name": request.session_name, "shared_key": request.shared_key}
    with Session(api, services, **key) as session:
        if request.cache_name is None:
            yield session
            return
        with Session(api, services, id_=f"{request.cache_name}:{session.id}", **key) as named:
            yield named


def _failure(message: str, trace: Trace, auth: Auth) -> SolveError:
    step, log = trace.failure()
    refused = next((host for host in auth.used if host in message), None)
    if refused is not None and any(sign in message.lower() for sign in _REFUSED):
        user = auth.used[refused]
        who = f"the login of {user}" if user else "the identity token"
        return LoginRefused(f"{refused} refused {who} from the Docker configuration: {message}", step=step)
    return SolveError(message, step=step, log=log)


class _Events:
    """The engine's answer to POST /build, read in a thread so that its silence can't hold us."""

    def __init__(self, api: docker.APIClient, params: dict[str, Any]) -> None:
        self._api = api
        self._params = params
        self._events: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="buildkit-events", daemon=True)
        self._ended = False
        self._response: requests.Response | None = None

    def __enter__(self) -> _Events:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._ended and not (kind and issubclass(kind, ConnectionLost)):
            with contextlib.suppress(requests.RequestException, docker.errors.DockerException):
                self._api.post(
                    self._api._url("/build/cancel"),
                    params={"id": self._params["buildid"]},
                    timeout=CANCEL_TIMEOUT,
                )
        if self._response is not None:
            interrupt(self._response)
        self._thread.join(CANCEL_TIMEOUT)

    def follow(self, session: Session) -> Any:
        """The events as they come. Raises SolveError, and ConnectionLost when engine or session end early."""
        while True:
            try:
                event = self._events.get(timeout=POLL)
            except queue.Empty:
                session.check()
                continue
            if event is None:
                self._ended = True
                return
            if isinstance(event, Exception):
                self._ended = True
                raise event
            yield event

    def _read(self) -> None:
        try:
            # No read time-out: a step may be silent for hours. The session notices when the engine is gone.
            response = self._api.post(
                self._api._url("/build"),
                params=self._params,
                stream=True,
                timeout=(OPEN_TIMEOUT, None),
                allow_redirects=False,
            )
            self._response = response
            if not response.ok:
                if not response._content_consumed:  # a client of the SDK's own
                    answers.read_whole(response)
                self._events.put(SolveError(_message(response)))
                return
            for event in answers.events(response):
                self._events.put(event)
            self._events.put(None)
        except Exception as error:  # whatever it is, the caller must hear of it rather than wait
            self._events.put(ConnectionLost(f"the connection to the engine broke: {reason(error)}"))


def _message(response: requests.Response) -> str:
    try:
        return shown(str(answers.parse(response)["message"]))
    except (answers.BadAnswer, KeyError, TypeError):
        return shown(response.text) or f"HTTP status {response.status_code}"
