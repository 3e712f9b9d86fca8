"""Finding and reaching a Docker engine, the way the official client does."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import docker
from docker.context import ContextAPI
from docker.context import config as docker_contexts
from docker.context.config import get_current_context_name, get_meta_dir, get_meta_file
from docker.errors import DockerException

from ctxsize.engine import buildkit
from ctxsize.engine.buildkit.bridge import speaks
from ctxsize.engine.buildkit.fallback import Fallback
from ctxsize.engine.buildkit.limits.answers import parse_time
from ctxsize.engine.clients import OLDEST, Client, PodmanClient, is_podman, is_too_old, storage_id
from ctxsize.engine.configuration import check_configuration, docker_folder, parse_json, read_small
from ctxsize.engine.errors import TROUBLE, engine_trouble, reason, sensible
from ctxsize.errors import ConfigError, EngineError

#: Seconds without an answer after which a call is given up: the first one, and all others that should be
#: quick. Builds, and calls that can take long, have limits of their own.
FIRST_ANSWER_SECONDS = 30
ANSWER_SECONDS = 120

DEFAULT_HOST = "unix:///var/run/docker.sock"
DEFAULT_PORT = 2375
_WITHOUT_PORT = re.compile(r"tcp://(?:[^/:@\[\]]+|\[[^\]/]*\])/?")
#: What may be a secret in an address: a password before the host's name, and all after a question mark.
_SECRETS = re.compile(r"(^(?:[\w+.-]+://)?[^/@:]*:)(?!//).*(?=@)|(\?).*")
_MOST_SHOWN = 200
START_HINT = "start it, or point DOCKER_HOST or `docker context use` at one that runs"
_FORBIDDEN = "join the group of the socket, usually docker, and log in again; or run as root"


_MOST_CONTEXTS = 1000


def _contexts_folder() -> str:
    return str(docker_folder() / "contexts")


# The SDK looks beside config.json and, where that does not exist, in the working directory: where it must not
# look, and the official client does not.
docker_contexts.get_context_dir = _contexts_folder


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a result says about the engine it was measured on. ``clock_ahead`` is how many nanoseconds its
    clock is ahead of ours; negative when it is behind. ``builder`` and ``driver`` are those of buildx, where
    it is a builder that buildx made."""

    id: str
    version: str
    api: str
    storage: str
    remote: bool
    podman: bool
    buildkit: bool
    clock_ahead: int = 0
    builder: str | None = None
    driver: str = "docker"

    def now(self) -> int:
        """Nanoseconds since the epoch, by the engine's clock."""
        return time.time_ns() + self.clock_ahead


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answered: the SDK's low-level client and what it said of itself. ``place`` is the
    Docker context or the address it was found by; None: those of the environment."""

    api: docker.APIClient
    info: EngineInfo
    host: str
    place: str | None = None

    #: What is built becomes an image of ``api``.
    keeps_images = True

    def own_platform(self) -> str:
        """The platform that it builds for by default. Raises EngineError."""
        with engine_trouble(), sensible("itself"):
            version = self.api.version()
            return f"{version.get('Os', 'linux')}/{version.get('Arch', 'amd64')}"

    def new_client(self) -> docker.APIClient:
        """Another client of the same engine, for a connection with settings of its own."""
        return _client(self.host, version=self.info.api, podman=self.info.podman, place=self.place)

    @cached_property
    def control(self) -> buildkit.Control:
        """The way to its BuildKit. Raises EngineError when the engine is gone."""
        if self.info.podman:
            return Fallback(self.new_client())
        with engine_trouble():
            return buildkit.connect(self.new_client())

    def close(self) -> None:
        """End the connection with its BuildKit, if there is one; it is opened again when it is needed."""
        if "control" in self.__dict__:
            self.control.close()


def connect(place: str | None = None) -> Engine:
    """The engine that ``DOCKER_HOST`` (with the TLS variables) or the current Docker context names; or the
    one that ``place`` does, a Docker context or an address.

    Raises EngineError naming the address that was tried, and for an engine that can't be measured on; and
    ConfigError for a Docker configuration that can't be read.
    """
    check_configuration()
    host = engine_address(place)
    if host.startswith("ssh://") and find_spec("paramiko") is None:
        raise EngineError(f"{_shown(host)} needs the extra for SSH", hint="pip install 'ctxsize[ssh]'")
    try:
        api = _client(host, version="auto", timeout=FIRST_ANSWER_SECONDS, place=place)
        version: dict[str, Any] = api.version()
        asked = time.time_ns()
        info: dict[str, Any] = api.info()
        builder = api._get(api._url("/_ping", versioned_api=False)).headers.get("Builder-Version", "")
    except (*TROUBLE, OSError, ValueError) as error:
        shown = _shown(host)
        why = reason(error).replace(host, shown)
        if _is_forbidden(error):
            raise EngineError(f"{shown} may not be used: {why}", hint=_FORBIDDEN) from error
        raise EngineError(f"no Docker engine answers at {shown}: {why}", hint=START_HINT) from error
    with sensible("itself"):
        podman = is_podman(version)
        if podman:
            if is_too_old(found := str(version.get("Version", ""))):
                oldest = ".".join(map(str, OLDEST))
                raise EngineError(
                    f"Podman {found} would filter the context a second time",
                    hint=f"use Podman {oldest} or newer",
                )
            api = _client(host, version=str(api._version), podman=True, place=place)
        api.timeout = ANSWER_SECONDS
        # Asked before it answered: rather ahead than behind, so that nothing seems younger than it is.
        ahead = parse_time(str(info["SystemTime"])) - asked if info.get("SystemTime") else 0
        about = EngineInfo(
            id=storage_id(info) if podman else str(info.get("ID", "")),
            version=str(version.get("Version", "")),
            api=str(api._version),
            storage=_storage(info),
            remote=not host.startswith(("unix://", "npipe://")),
            podman=podman,
            # Every engine from 18.09 has BuildKit; only newer ones announce it as their default.
            buildkit=not podman and (builder == "2" or speaks(api, (1, 39))),
            clock_ahead=ahead,
        )
        return Engine(api=api, host=host, info=about, place=place)


def _is_forbidden(error: BaseException | None) -> bool:
    """Whether the system did not let us use the socket."""
    while error is not None:
        if isinstance(error, PermissionError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _shown(host: str) -> str:
    """``host`` without the password that Docker would refuse, and no longer than an address is."""
    return _SECRETS.sub(r"\1\2…", host)[:_MOST_SHOWN]


def engine_address(place: str | None = None) -> str:
    """The address that will be tried, e.g. ``unix:///var/run/docker.sock``."""
    if place is not None and "://" in place:
        return _with_port(place)
    if _is_by_variable(place):
        return _with_port(os.environ["DOCKER_HOST"])
    context = _context(place)
    return _with_port(str(context.Host)) if context is not None and context.Host else DEFAULT_HOST


def context_name() -> str:
    """The Docker context that is in use; ``default`` also where DOCKER_HOST takes its place."""
    if os.environ.get("DOCKER_HOST"):
        return "default"
    return os.environ.get("DOCKER_CONTEXT") or get_current_context_name() or "default"


def context_names() -> list[str]:
    """The names of all Docker contexts, the default one first. Those that can't be read are left out, but for
    the one in use."""
    found = {context_name()}
    with contextlib.suppress(OSError):
        for entry in sorted(os.listdir(get_meta_dir()))[:_MOST_CONTEXTS]:
            path = os.path.join(get_meta_dir(), entry, docker_contexts.METAFILE)
            with contextlib.suppress(ConfigError):
                said = parse_json(path, read_small(path))
                if isinstance(said, dict) and isinstance(name := said.get("Name"), str):
                    found.add(name)
    return ["default", *sorted(found - {"default"})]


def is_context(name: str) -> bool:
    """Whether there is a Docker context of that name, readable or not."""
    return name in ("default", context_name()) or os.path.lexists(get_meta_file(name))


def _is_by_variable(place: str | None) -> bool:
    """Whether DOCKER_HOST says where it is."""
    return place in (None, "default") and bool(os.environ.get("DOCKER_HOST"))


def _with_port(host: str) -> str:
    """``tcp://HOST`` with the port that the official client takes when none is given."""
    return f"{host.rstrip('/')}:{DEFAULT_PORT}" if _WITHOUT_PORT.fullmatch(host) else host


def _context(name: str | None) -> Any:
    """The Docker context of that name; None: the current one."""
    name = name or context_name()
    try:
        if name != "default" and os.path.exists(path := get_meta_file(name)):
            parse_json(path, read_small(path))
        context = ContextAPI.get_context(name)
    except ConfigError as error:
        raise EngineError(
            f"the Docker context {name} can't be read: {error.where}: {error.message}", hint=error.hint
        ) from error
    except Exception as error:  # of any kind, where the SDK finds another type than it expects
        why = error if isinstance(error, (DockerException, OSError)) else "nothing that Docker writes"
        raise EngineError(
            f"the Docker context {name} can't be read: {why}", hint="see `docker context ls`"
        ) from error
    if context is None and name != "default":
        raise EngineError(f"there is no Docker context {name}", hint="see `docker context ls`")
    return context


def _client(
    host: str, *, version: str, timeout: int | None = None, podman: bool = False, place: str | None = None
) -> docker.APIClient:
    if _is_by_variable(place):
        settings = docker.utils.kwargs_from_env(environment={**os.environ, "DOCKER_HOST": host})
    else:
        context = None if place is not None and "://" in place else _context(place)
        settings = {"base_url": host}
        if context is not None and context.TLSConfig and host.startswith("tcp://"):
            settings["tls"] = context.TLSConfig
    kind = PodmanClient if podman else Client
    return kind(version=version, timeout=timeout or ANSWER_SECONDS, **settings)


def _storage(info: dict[str, Any]) -> str:
    """The storage driver; the containerd image store is named apart, its sizes mean something else."""
    driver = str(info.get("Driver", ""))
    status = dict(pair for pair in info.get("DriverStatus") or [] if len(pair) == 2)
    if "containerd" in str(status.get("driver-type", "")):
        return f"containerd/{driver}"
    return driver
