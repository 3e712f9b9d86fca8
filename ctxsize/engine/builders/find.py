"""From what the user names to what builds: an engine or a builder of buildx, and how it builds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
    several nodes it is the first that was made for ``platform``.

    Raises EngineError for a builder that is not there, stopped or unknown; ConfigError for one that can't be
    read.
    """
    found = wanted(name)
    if found.instance is None:
        engine = own()
        choice = choose(engine, found.kind)
        return engine, replace(choice, other=found.notice)
    node = node_for(found.instance, platform)
    if found.instance.driver == "docker":
        engine = connect(node.endpoint)
        return engine, choose(engine, found.kind)
    endpoint = reach(found.instance, node)
    return lone_buildkit(found.instance.name, found.instance.driver, endpoint), Choice("buildkit")


def node_for(instance: Instance, platform: str | None) -> Node:
    """The first node that was made for the platform, else the first."""
    return next((node for node in instance.nodes if platform in node.platforms), instance.nodes[0])
