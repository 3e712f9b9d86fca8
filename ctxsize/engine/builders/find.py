"""From what the user names to what builds: an engine or a builder of buildx, and how it builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ctxsize.dockerfile.platforms import asked_platform
from ctxsize.engine.builders.choose import Choice, choose
from ctxsize.engine.connect import START_HINT, Engine, connect
from ctxsize.engine.endpoints.alone import lone_buildkit
from ctxsize.engine.endpoints.reach import reach
from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.engine.endpoints.wanted import naming_variable, wanted
from ctxsize.errors import CtxsizeError, EngineError

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
    node = node_for(found.instance, asked_platform(platform), turn)
    engine = _engine_of(found.instance, node, naming_variable(name))
    return engine, replace(choose(engine, found.kind), other=_one_of(found.instance, node))


def _one_of(instance: Instance, node: Node) -> str | None:
    """A notice that a builder has other nodes than the one that is measured."""
    count = len(instance.nodes)
    return f"of the {count} nodes of the builder {instance.name}, {node.name} builds" if count > 1 else None


def find_nodes(name: str) -> Iterator[Engine]:
    """All nodes of a builder. Raises as ``find_builder``."""
    instance = wanted(name).instance
    if instance is None:
        yield connect()
    else:
        yield from (_engine_of(instance, node, naming_variable(name)) for node in instance.nodes)


def tells_apart(name: str) -> bool:
    """Whether all nodes of a builder can tell what each of several runs made that build at the same time.

    Before Docker Engine 23 only the time tells, which is the same for all: there one run follows the other.
    With a builder that can't be used nothing is made.
    """
    try:
        for engine in find_nodes(name):
            engine.close()
            major, _, minor = engine.info.api.partition(".")
            # A BuildKit without an engine has no API version of Docker.
            if major and (int(major), int(minor)) < _RECORDS_NAMED:
                return False
    except (CtxsizeError, ValueError):
        pass  # whoever builds there says what is wrong
    return True


def _engine_of(instance: Instance, node: Node, where: str | None) -> Engine:
    """``where`` is what named the builder. Raises EngineError, which names it too: an address says little to
    somebody who knows the builder by its name."""
    try:
        if instance.driver == "docker":
            return connect(node.endpoint)
        return lone_buildkit(instance.name, instance.driver, reach(instance, node))
    except EngineError as error:
        known = instance.name == node.endpoint or error.message.startswith(f"the builder {instance.name} ")
        message = error.message if known else f"the builder {instance.name} can't be used: {error.message}"
        # What leads to the engine in use does not lead to this one.
        hint = "start it, or see `ctxsize builders` for others" if error.hint == START_HINT else error.hint
        hint = hint or f"`docker buildx inspect {instance.name}` says how it was made"
        raise EngineError(message, where=error.where or where, hint=hint) from error


def node_for(instance: Instance, platform: str | None, turn: int = 0) -> Node:
    """A node that was made for the platform, else one of all: the first, or for each ``turn`` the next."""
    nodes = [node for node in instance.nodes if platform in node.platforms] or instance.nodes
    return nodes[turn % len(nodes)]
