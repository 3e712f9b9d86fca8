"""Reaching the BuildKit of a builder's node, whatever its driver."""

from __future__ import annotations

from dataclasses import dataclass

from ctxsize.engine.buildkit import Dial
from ctxsize.engine.connect import connect
from ctxsize.engine.endpoints import container, kubernetes, remote
from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.errors import EngineError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A BuildKit that can be reached by ``dial``. ``address`` is what people are told of where it is."""

    node: str
    address: str
    dial: Dial


def reach(instance: Instance, node: Node) -> Endpoint:
    """How ``node`` of a builder is reached that has no engine's BuildKit. Raises EngineError when it is
    stopped, gone, or can't be asked."""
    if instance.driver == "docker-container":
        engine, name = connect(node.endpoint), container.PREFIX + node.name
        state = container.state(engine, name)
        if state != "running":
            raise _down(instance, state, f"its container {name}", f"at {engine.host}")
        return Endpoint(node.name, f"{name} at {engine.host}", container.dial(engine, name))
    if instance.driver == "kubernetes":
        pods = kubernetes.pods(node)
        if not pods:
            raise _down(instance, "stopped", f"no pod of its deployment {node.name.replace('_', '-')} runs")
        return Endpoint(node.name, f"pod {pods[0].name}", kubernetes.dial(node, pods[0]))
    return Endpoint(node.name, node.endpoint, remote.dial(node))


def _down(instance: Instance, state: str, what: str, where: str = "") -> EngineError:
    """The builder is ``stopped`` or ``gone``."""
    if state == "gone":
        why = f"there is no {what.removeprefix('its ')} {where}"
    else:
        why = f"{what} does not run" if what.startswith("its") else what
    return EngineError(
        f"the builder {instance.name} is {state}: {why.strip()}",
        hint=f"`docker buildx inspect --bootstrap {instance.name}` starts it",
    )
