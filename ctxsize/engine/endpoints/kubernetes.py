"""Builders of the ``kubernetes`` driver: BuildKit in the pods of a deployment, reached through kubectl."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ctxsize.engine.buildkit import Dial
from ctxsize.engine.configuration import parse_json
from ctxsize.engine.endpoints.process import ask, run
from ctxsize.engine.endpoints.store import Node
from ctxsize.errors import ConfigError, EngineError

_NAME = re.compile(r"[-a-z0-9.]+", re.ASCII)
_BUILDER = "a builder on Kubernetes"
_TRY = "does `kubectl get pods` work in its context and namespace?"
_COMMAND = ("buildctl", "dial-stdio")


@dataclass(frozen=True, slots=True)
class Cluster:
    """How kubectl is called: ``options`` before its command, ``environment`` over our own."""

    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod that runs, and its container with BuildKit."""

    name: str
    container: str


def cluster(node: Node) -> Cluster:
    """Where the deployment of ``node`` is. Raises EngineError."""
    try:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(node.endpoint).query).items()}
    except ValueError:
        asked = {}
    environment = {"KUBECONFIG": asked["kubeconfig"]} if asked.get("kubeconfig") else {}
    return Cluster(_options(asked.get("context"), node.options.get("namespace")), environment)


def pods(node: Node) -> list[Pod]:
    """The pods of ``node`` that run, by name; empty when none does. Raises EngineError when its deployment is
    gone, or the cluster can't be asked."""
    deployment, where = _named(node.name.replace("_", "-"), "deployment"), cluster(node)
    found = _ask(where, "get", "pods", "--selector", f"app={deployment}", "--output", "json")
    try:
        running = [_pod(each) for each in found["items"] if _runs(each)]
    except (LookupError, TypeError, AttributeError) as error:
        raise EngineError("kubectl's list of pods makes no sense", hint=_TRY) from error
    if not running:
        _ask(where, "get", "deployment", deployment, "--output", "json")
    return sorted(running, key=lambda pod: pod.name)


def dial(node: Node, pod: Pod) -> Dial:
    """How the BuildKit in ``pod`` is reached."""
    return _dial(pod, cluster(node))


def pod_dial(pod: str, container: str | None, context: str | None, namespace: str | None) -> Dial:
    """How the BuildKit in the pod of a ``kube-pod://`` address is reached. Raises EngineError."""
    return _dial(Pod(pod, container or ""), Cluster(_options(context, namespace)))


def _dial(pod: Pod, where: Cluster) -> Dial:
    container = ("--container", _named(pod.container, "container")) if pod.container else ()
    words = ("exec", "--stdin", *container, _named(pod.name, "pod"), "--", *_COMMAND)
    command = ("kubectl", *where.options, *words)
    return lambda: run(command, f"the pod {pod.name}", where.environment)


def _options(context: str | None, namespace: str | None) -> tuple[str, ...]:
    options = [f"--context={context}"] if context else []
    return (*options, *([f"--namespace={_named(namespace, 'namespace')}"] if namespace else ()))


def _named(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise EngineError(f"{name[:100]!r} names no {what}")
    return name


def _ask(where: Cluster, *words: str) -> Any:
    """kubectl's answer. Raises EngineError."""
    try:
        return parse_json("kubectl", ask(["kubectl", *where.options, *words], _BUILDER, where.environment))
    except ConfigError as error:
        raise EngineError("kubectl's answer is not JSON", hint=_TRY) from error
    except EngineError as error:
        raise EngineError(error.message, hint=error.hint or _TRY) from error


def _runs(pod: Any) -> bool:
    status, about = pod["status"], pod["metadata"]
    ready: Sequence[Any] = status.get("containerStatuses") or ()
    return (
        status["phase"] == "Running"
        and not about.get("deletionTimestamp")
        and all(each.get("ready") for each in ready)
    )


def _pod(pod: Any) -> Pod:
    return Pod(str(pod["metadata"]["name"]), str(pod["spec"]["containers"][0]["name"]))
