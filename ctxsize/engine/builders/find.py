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


def find_builder(
    name: str = "auto", platform: str | None = None, *, own: Callable[[], Engine] = connect
) -> tuple[Engine, Choice]:
    """What ``--builder NAME`` builds with, and how. ``own`` gives the user's own engine. Of a builder of
    several nodes it is the first that was made for ``platform`` (None: that of DOCKER_DEFAULT_PLATFORM).

    Raises EngineError for a builder that is not there, stopped or unknown; ConfigError for one that can't be
    read.
    """
    found = wanted(name)
    if found.instance is None:
        engine = own()
        choice = choose(engine, found.kind)
        return engine, replace(choice, other=found.notice)
    engine = _engine_of(found.instance, node_for(found.instance, asked_platform(platform)))
    return engine, choose(engine, found.kind)


def find_nodes(name: str) -> Iterator[Engine]:
    """All nodes of a builder. Raises as ``find_builder``."""
    instance = wanted(name).instance
    if instance is None:
        yield connect()
    else:
        yield from (_engine_of(instance, node) for node in instance.nodes)


def _engine_of(instance: Instance, node: Node) -> Engine:
    if instance.driver == "docker":
        return connect(node.endpoint)
    return lone_buildkit(instance.name, instance.driver, reach(instance, node))


def node_for(instance: Instance, platform: str | None) -> Node:
    """The first node that was made for the platform, else the first."""
    return next((node for node in instance.nodes if platform in node.platforms), instance.nodes[0])
