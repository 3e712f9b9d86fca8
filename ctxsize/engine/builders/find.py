"""From what the user names to what builds: an engine or a builder of buildx, and how it builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ctxsize.dockerfile.platforms import asked_platform
from ctxsize.engine.builders.choose import Choice, choose
from ctxsize.engine.connect import Engine, connect
from ctxsize.engine.endpoints.alone import lone_buildkit
from ctxsize.engine.endpoints.reach import reach
from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.engine.endpoints.wanted import wanted
from ctxsize.errors import CtxsizeError

#: The API of Docker Engine 23, the first that says which step made a cache record.
_RECORDS_NAMED = (1, 42)


def find_builder(
    name: str = "auto", platform: str | None = None, *, own: Callable[[], Engine] = connect, turn: int = 0
) -> tuple[Engine, Choice]:
    """What ``--builder NAME`` builds with, and how. ``own`` gives the user's own engine. Of a builder of
    several nodes it is one that was made for ``platform`` (None: that of DOCKER_DEFAULT_PLATFORM): the first,
    or for each ``turn`` the next.

    Raises EngineError for a builder that is not there, stopped or unknown; ConfigError for one that can't be
    read.
    """
    found = wanted(name)
    if found.instance is None:
        engine = own()
        choice = choose(engine, found.kind)
        return engine, replace(choice, other=found.notice)
    engine = _engine_of(found.instance, node_for(found.instance, asked_platform(platform), turn))
    return engine, choose(engine, found.kind)


def find_nodes(name: str) -> Iterator[Engine]:
    """All nodes of a builder. Raises as ``find_builder``."""
    instance = wanted(name).instance
    if instance is None:
        yield connect()
    else:
        yield from (_engine_of(instance, node) for node in instance.nodes)


def tells_apart(name: str, platform: str | None = None) -> bool:
    """Whether it can be told what each of several runs made that build with ``find_builder(name, platform)``
    at the same time. Before Docker Engine 23 only the time tells, which is the same for all: there one run
    follows the other. Of a builder that can't be found nothing is made."""
    try:
        engine, _ = find_builder(name, platform)
        engine.close()
        major, _, minor = engine.info.api.partition(".")
        return (int(major), int(minor)) >= _RECORDS_NAMED
    except (CtxsizeError, ValueError):  # a BuildKit without an engine has no API version of Docker
        return True


def _engine_of(instance: Instance, node: Node) -> Engine:
    if instance.driver == "docker":
        return connect(node.endpoint)
    return lone_buildkit(instance.name, instance.driver, reach(instance, node))


def node_for(instance: Instance, platform: str | None, turn: int = 0) -> Node:
    """A node that was made for the platform, else one of all: the first, or for each ``turn`` the next."""
    nodes = [node for node in instance.nodes if platform in node.platforms] or instance.nodes
    return nodes[turn % len(nodes)]
