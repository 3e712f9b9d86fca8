"""A BuildKit without an engine around it: it builds, and keeps no images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import docker

from ctxsize.engine.buildkit import BuildKitError, Control, Worker
from ctxsize.engine.clients import Client
from ctxsize.engine.connect import DEFAULT_HOST, Engine, EngineInfo, connect, engine_address
from ctxsize.engine.endpoints.reach import Endpoint
from ctxsize.errors import EngineError

#: A version that all engines speak: a client that is given one asks for none.
_API = "1.41"


@dataclass(frozen=True)
class LoneBuildKit(Engine):
    """A builder of buildx that is no engine's own. ``api`` is that of the user's engine, to load images into;
    where none answers it has nothing, and refuses to be given anything."""

    endpoint: Endpoint | None = None

    #: What is built does not become an image of ``api``.
    keeps_images = False

    def new_client(self) -> docker.APIClient:
        """A client for what needs the Docker configuration, and no engine."""
        return Client(base_url=DEFAULT_HOST, version=_API)

    @cached_property
    def control(self) -> Control:
        """The way to it."""
        assert self.endpoint is not None
        return Control(self.endpoint.dial)

    def own_platform(self) -> str:
        """The platform that it builds for by default. Raises EngineError."""
        found = [platform for worker in _workers(self.control, self.host) for platform in worker.platforms]
        return found[0] if found else "linux/amd64"


def lone_buildkit(name: str, driver: str, endpoint: Endpoint) -> LoneBuildKit:
    """The BuildKit of the builder ``name`` at ``endpoint``. Raises EngineError when it does not answer."""
    control = Control(endpoint.dial)
    try:
        workers = _workers(control, endpoint.address)
    finally:
        control.close()
    if not workers:
        raise EngineError(f"the builder {name} has no worker that could build", hint="see `docker buildx ls`")
    worker = workers[0]
    info = EngineInfo(
        id=f"buildkit:{worker.id}",
        version=worker.version,
        api="",
        storage=worker.labels.get("org.mobyproject.buildkit.worker.snapshotter", ""),
        remote=driver != "docker-container",
        podman=False,
        buildkit=True,
        builder=name,
        driver=driver,
    )
    return LoneBuildKit(api=OwnEngine(), info=info, host=engine_address(), endpoint=endpoint)


def _workers(control: Control, address: str) -> list[Worker]:
    try:
        return control.workers()
    except BuildKitError as error:
        hint = "is it running, and reachable from here?"
        if address.startswith("tcp://"):
            hint += " does it want TLS, as `docker buildx create --driver-opt cacert=…` sets it?"
        raise EngineError(f"no BuildKit answers at {address}: {error}", hint=hint) from error


class OwnEngine:
    """The client of the user's engine, which is connected to when it is first needed. Where no engine
    answers, it has nothing, and all else is refused with an EngineError."""

    def __init__(self) -> None:
        self._client: docker.APIClient | None = None
        self._error: EngineError | None = None

    def images(self, *args: Any, **kwargs: Any) -> Any:
        """None where there is no engine."""
        return self._connected().images(*args, **kwargs) if self._answers() else []

    def containers(self, *args: Any, **kwargs: Any) -> Any:
        """None where there is no engine."""
        return self._connected().containers(*args, **kwargs) if self._answers() else []

    def networks(self, *args: Any, **kwargs: Any) -> Any:
        """None where there is no engine."""
        return self._connected().networks(*args, **kwargs) if self._answers() else []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected(), name)

    def _answers(self) -> bool:
        try:
            self._connected()
        except EngineError:
            return False
        return True

    def _connected(self) -> docker.APIClient:
        if self._error is not None:
            raise self._error
        if self._client is None:
            try:
                self._client = connect().api
            except EngineError as error:
                self._error = error
                raise
        return self._client
