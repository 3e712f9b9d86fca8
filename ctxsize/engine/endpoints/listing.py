"""The builders that can be measured on: what state they are in, and which one ``auto`` takes."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ctxsize import __version__
from ctxsize.engine.buildkit import BuildKitError
from ctxsize.engine.connect import Engine, connect, context_name
from ctxsize.engine.endpoints.alone import lone_buildkit
from ctxsize.engine.endpoints.reach import reach
from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.engine.endpoints.wanted import DRIVERS, known, used, wanted
from ctxsize.errors import ConfigError, CtxsizeError
from ctxsize.warning import Warning

#: Builders that are asked at the same time.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class BuilderNode:
    """One BuildKit of a builder. ``state`` is ``running`` or ``unusable``, and then ``reason`` says why.
    ``version`` is the engine's or BuildKit's own, None where it does not say; ``platforms`` are those it can
    build for, as far as is known."""

    name: str
    endpoint: str
    state: str
    reason: str | None = None
    version: str | None = None
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedBuilder:
    """A builder that ``--builder NAME`` takes. ``auto``: it is the one taken without ``--builder``.
    ``used``: `docker buildx use` names it."""

    name: str
    driver: str
    nodes: tuple[BuilderNode, ...]
    auto: bool = False
    used: bool = False


@dataclass(frozen=True, slots=True)
class BuilderList:
    """All builders. ``auto`` is the name of the one taken without ``--builder``, None when that is none which
    is there. ``created`` is in ISO 8601; ``version`` is ctxsize's."""

    version: str
    created: str
    auto: str | None
    builders: tuple[ListedBuilder, ...]
    warnings: tuple[Warning, ...] = ()


def builders() -> BuilderList:
    """The engines of all Docker contexts and the builders of buildx, each asked whether it can be used.
    Raises ConfigError for a Docker configuration that can't be read."""
    warnings = []
    auto = None
    try:
        chosen = wanted()
        auto = context_name() if chosen.instance is None else chosen.instance.name
        if chosen.notice:
            warnings.append(Warning("builder", chosen.notice))
    except CtxsizeError as error:
        warnings.append(Warning("builder", str(error)))
    try:
        current = used()
    except ConfigError:
        current = None  # a notice above says so
    found = known()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        listed = [
            replace(each, auto=each.name == auto, used=each.name == current)
            for each in pool.map(_look, found)
        ]
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return BuilderList(__version__, now, auto, tuple(listed), tuple(warnings))


def _look(found: Instance | tuple[str, CtxsizeError]) -> ListedBuilder:
    if not isinstance(found, Instance):
        name, error = found
        return ListedBuilder(name, "", (BuilderNode(name, "", "unusable", str(error)),))
    return ListedBuilder(found.name, found.driver, tuple(_node(found, node) for node in found.nodes))


def _node(instance: Instance, node: Node) -> BuilderNode:
    looked = BuilderNode(node.name, node.endpoint, "running", platforms=node.platforms)
    if instance.driver not in DRIVERS:
        return replace(looked, state="unusable", reason=f"ctxsize does not know the driver {instance.driver}")
    try:
        if instance.driver == "docker":
            return _engine(looked, connect(node.endpoint))
        endpoint = reach(instance, node)
        looked = replace(looked, endpoint=endpoint.address)
        return _told(looked, lone_buildkit(instance.name, instance.driver, endpoint))
    except CtxsizeError as error:
        return replace(looked, state="unusable", reason=str(error))


def _engine(looked: BuilderNode, engine: Engine) -> BuilderNode:
    """What an engine says of itself."""
    return _told(replace(looked, endpoint=engine.host), engine)


def _told(looked: BuilderNode, engine: Engine) -> BuilderNode:
    """With the version, and the platforms it has besides those that it was made for."""
    version = engine.info.version or None
    try:
        platforms = [each for worker in engine.control.workers() for each in worker.platforms]
    except BuildKitError:
        platforms = []
    finally:
        engine.close()
    return replace(looked, version=version, platforms=tuple(dict.fromkeys([*looked.platforms, *platforms])))
