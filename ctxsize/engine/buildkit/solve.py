"""One build through BuildKit, driven as ``docker build`` drives it.

``build`` opens a session, asks BuildKit to build (``Control.solve``), serves the directories while it does,
and returns the trace, the transfers and the image. It blocks; the session is answered in a thread of the
Control.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.control import Control, Refused
from ctxsize.engine.buildkit.control.filesend import FileSend
from ctxsize.engine.buildkit.directory import LocalDir
from ctxsize.engine.buildkit.errors import BuildKitError, ConnectionLost, LoginRefused, SolveError, reason
from ctxsize.engine.buildkit.filesync import FileSync, Sent, Transfer
from ctxsize.engine.buildkit.services.auth import Auth
from ctxsize.engine.buildkit.services.helpers import Logins
from ctxsize.engine.buildkit.services.secrets import Secrets
from ctxsize.engine.buildkit.services.sshforward import SSHForward
from ctxsize.engine.buildkit.session import Health, Service, Session
from ctxsize.engine.buildkit.trace import StatusUpdate, Trace, Vertex, read_status

_LOST = "transport is closing"
_NAMED = "named"
#: What a frontend must know for named contexts; one that does not, refuses.
_CAPABILITY = {"frontend.caps": "moby.buildkit.frontend.contexts+forward"}
_REFUSED = ("401", "403", "unauthorized", "authorization", "denied", "authenticate", "basic auth")


@dataclass(frozen=True, slots=True)
class SolveRequest:
    """What to build. Names and values are those of ``docker build``'s options.

    ``dockerfile`` is a name within the served dockerfile directory. ``build_args``: a value of None leaves
    the argument unset. ``shared_key`` is the key BuildKit keeps the received directories under: a new one
    per build starts from a known state, an old one sends only what changed since. ``network`` is the mode
    for RUN steps. ``cache_name`` marks the received directories in the engine's cache: it lists them as
    "local source for <cache_name>-context" and "…-dockerfile", so that whoever made them can find and remove
    exactly them. ``exporter`` is where the image goes: ``moby`` is the engine that has this BuildKit, empty
    is nowhere; ``exporter_attributes`` are what it is told besides the tags. ``attributes`` are further ones
    of the Dockerfile frontend.
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
    exporter: str = "moby"
    exporter_attributes: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)

    def message(self, session: str, named: Sequence[str] = ()) -> pb.SolveRequest:
        """It as BuildKit's API has it; ``session`` is the id of the one to build with, and ``named`` as in
        SolveResult."""
        local = {f"context:{name}": f"local:{_NAMED}{number}" for number, name in enumerate(named)}
        further = {**self.attributes, **local}
        optional = {
            "filename": self.dockerfile,
            "target": self.target,
            "platform": self.platform,
            "force-network-mode": self.network if self.network in ("host", "none") else None,
            "image-resolve-mode": "pull" if self.pull else None,
            "no-cache": "" if self.no_cache else None,
            **{f"build-arg:{name}": value for name, value in self.build_args.items()},
            **{f"label:{name}": value for name, value in self.labels.items()},
            **further,
            **(_CAPABILITY if any(name.startswith("context:") for name in further) else {}),
        }
        names = {"name": ",".join(self.tags)} if self.tags else {}
        exported = {**names, **self.exporter_attributes}
        return pb.SolveRequest(
            ref=uuid.uuid4().hex,
            session=session,
            frontend="dockerfile.v0",
            frontend_attrs={name: value for name, value in optional.items() if value is not None},
            # Older ones know the first, newer ones both.
            exporter=self.exporter,
            exporter_attrs=exported,
            exporters=[pb.Exporter(type=self.exporter, attrs=exported)] if self.exporter else [],
            cache=pb.CacheOptions(),
            entitlements=["network.host"] if self.network == "host" else [],
            internal=True,
        )


@dataclass(frozen=True, slots=True)
class SolveResult:
    """A finished build.

    ``vertices`` are the steps in the order BuildKit reported them, ``transfers`` one per directory the
    engine asked for. ``log_lines`` is what the steps wrote. ``named`` are the names of the named contexts.
    """

    image_id: str
    vertices: tuple[Vertex, ...]
    log_lines: tuple[str, ...]
    warnings: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    named: tuple[str, ...] = ()

    @property
    def named_contexts(self) -> tuple[tuple[str, Transfer], ...]:
        """The transfers of named contexts, each with the context's name, without the first of each, which
        fetches the ignore file alone."""
        found: dict[str, list[Transfer]] = {}
        for transfer in self.transfers:
            name = named_context(transfer.name, self.named)
            if name is not None:
                found.setdefault(name, []).append(transfer)
        return tuple((name, each) for name, transfers in found.items() for each in transfers[1:])

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
        return sum(t.bytes for t in self._of_context)

    @property
    def listing_seconds(self) -> float:
        """Seconds that listing the context took; its files were already asked for and sent meanwhile."""
        return sum(t.listed - t.started - t.waited for t in self._of_context if t.listed is not None)

    @property
    def sent_files(self) -> int:
        """Files of the context whose content crossed to the engine."""
        return sum(t.files for t in self._of_context)

    @property
    def _of_context(self) -> tuple[Transfer, ...]:
        return (*self.context, *(transfer for _, transfer in self.named_contexts))


def build(
    control: Control,
    request: SolveRequest,
    *,
    context: LocalDir,
    dockerfile: LocalDir,
    named: Mapping[str, LocalDir] | None = None,
    logins: Logins | None = None,
    take: Callable[[Iterator[bytes]], object] | None = None,
    on_update: Callable[[StatusUpdate], None] | None = None,
    on_sent: Callable[[Sent], None] | None = None,
) -> SolveResult:
    """Build an image.

    ``named`` are the named contexts that are directories; images in the place of others are attributes of the
    request (``context:NAME``). ``logins`` are those of the user's Docker configuration, which is read when
    there are none. ``take`` gets the file that the exporter writes, as it comes, in a thread of its own; what
    it raises ends the build. ``on_update`` sees every trace event as it comes, in the calling thread;
    ``on_sent`` every write of file content, in the session's thread.

    Raises SolveError when the build fails (LoginRefused when a registry did not take the user's login),
    RequestError for secrets or ssh that can't be had, ServeError (or whatever a directory raises) when a
    directory can't be served, SessionUnavailable when BuildKit takes no session, ConnectionLost when it
    goes.
    """
    names = tuple(named or ())
    served = {"context": context, "dockerfile": dockerfile}
    # By number: names of contexts may hold what those of directories may not.
    served |= {f"{_NAMED}{number}": each for number, each in enumerate((named or {}).values())}
    if request.cache_name is not None:
        served |= {f"{request.cache_name}-{name}": directory for name, directory in served.items()}
    directories = FileSync(served, on_sent)
    logins = logins or Logins.load_config(None, None)
    auth = Auth(logins)
    services: list[Service] = [directories, Health(), auth]
    file = None if take is None else FileSend(take)
    if request.secrets:
        services.append(Secrets(request.secrets))
    if request.ssh:
        services.append(SSHForward(request.ssh))
    if file is not None:
        services.append(file)
    trace = Trace(on_update)
    try:
        wanted = int if file is None else file.count
        with _open_session(control, services, request, wanted) as session:
            try:
                message = request.message(session.id, names)
                answer = control.solve(message, lambda s: _take(s, trace), session.check)
            except BuildKitError as error:
                for broken in (directories.error, file.error if file is not None else None):
                    if broken is not None:
                        raise broken from error
                session.check_flood()
                if isinstance(error, Refused):
                    raise _failure(error, trace, auth) from error
                raise
    finally:
        logins.close()
        if file is not None:
            file.close()
    if file is not None and not file.whole:
        raise ConnectionLost("BuildKit built, and did not send what it was to export")
    return SolveResult(
        image_id=answer.get("containerimage.digest", ""),
        vertices=trace.vertices,
        log_lines=tuple(trace.log_lines()),
        warnings=tuple(trace.warnings),
        transfers=tuple(directories.transfers),
        named=names,
    )


def named_context(directory: str, names: Sequence[str]) -> str | None:
    """Which of the named contexts of a build, in the order they were given, a served directory is."""
    _, separator, number = directory.rpartition("-")[2].partition(_NAMED)
    return names[int(number)] if separator and number.isdecimal() else None


def probe(control: Control) -> None:
    """Have a session taken and ended. Raises SessionUnavailable where none is, ConnectionLost."""
    with control.serving(Session([Health()], name="buildkit-session", shared_key=uuid.uuid4().hex)):
        pass


def _take(status: pb.StatusResponse, trace: Trace) -> None:
    try:
        update = read_status(status)
        trace.check(update)
    except (ValueError, TypeError, KeyError) as error:
        raise ConnectionLost(f"the engine's account of the build makes no sense: {reason(error)}") from error
    trace.add(update)


@contextlib.contextmanager
def _open_session(
    control: Control, services: Sequence[Service], request: SolveRequest, wanted: Callable[[], int]
) -> Iterator[Session]:
    """The session to build with.

    With a cache name there are two. BuildKit takes ``NAME:ID`` for a session's id to mean: read local
    directories from session ID, and put ``NAME-`` in front of theirs (moby/buildkit
    source/local/source.go). So the build runs under that composite id, and a second connection answers to
    ID itself.
    """
    open_ = partial(
        Session, services, name=request.session_name, shared_key=request.shared_key, wanted=wanted
    )
    session = open_()
    with control.serving(session):
        if request.cache_name is None:
            yield session
            return
        named = open_(id_=f"{request.cache_name}:{session.id}")
        with control.serving(named):
            yield named


def _failure(refused: Refused, trace: Trace, auth: Auth) -> BuildKitError:
    """What BuildKit says, as what it means for the build."""
    message = str(refused)
    if _LOST in message:
        # It may notice before we do that the session's connection broke.
        return ConnectionLost(f"the build session broke: {message}")
    step, log = trace.failure()
    host = next((host for host in auth.used if host in message), None)
    if host is not None and any(sign in message.lower() for sign in _REFUSED):
        user = auth.used[host]
        who = f"the login of {user}" if user else "the identity token"
        return LoginRefused(f"{host} refused {who} from the Docker configuration: {message}", step=step)
    return SolveError(message, step=step, log=log)
