"""Which builder the user means: by name, or as ``docker build`` would choose."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches

from ctxsize.engine.configuration import configured
from ctxsize.engine.connect import context_name, context_names, engine_address, is_context
from ctxsize.engine.endpoints import store
from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.engine.names import KINDS, is_builder_address
from ctxsize.errors import ConfigError, EngineError

DRIVERS = ("docker", "docker-container", "kubernetes", "remote")
#: What names a builder in the place of --builder, as it does for the official client.
VARIABLE = "BUILDX_BUILDER"
_SEE = "see `ctxsize builders`"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to build with: ``instance``, or with None the user's own engine and a builder of this ``kind``,
    one of KINDS. ``notice`` says what else the user may have meant."""

    kind: str = "auto"
    instance: Instance | None = None
    notice: str | None = None


def wanted(builder: str = "auto") -> Wanted:
    """What ``--builder BUILDER`` means: one of KINDS, a builder that buildx knows, a Docker context, or the
    address of a BuildKit.

    ``auto`` is what `docker build` takes: the builder that BUILDX_BUILDER names; where the configuration has
    an alias for the builder (`docker buildx install`) that of `docker buildx use`; else the engine. Raises
    EngineError for a builder that is not there, ConfigError for one that can't be read.
    """
    if builder != "auto":
        return Wanted(builder) if builder in KINDS else _named(builder)
    if name := os.environ.get(VARIABLE):
        return _named(name, VARIABLE)
    aliased = "builder" in (configured().get("aliases") or {})
    try:
        other = used()
    except ConfigError as error:
        if aliased:
            raise
        return Wanted(notice=f"what `docker buildx build` would use is not known: {error}")
    if other is None:
        return Wanted()
    if aliased:
        return _named(other)
    return Wanted(
        notice=f"`docker buildx build` would use {other}: `--builder {other}` measures that",
    )


def naming_variable(builder: str) -> str | None:
    """The environment variable that names the builder which ``builder`` means; None when none does."""
    return VARIABLE if builder == "auto" and os.environ.get(VARIABLE) else None


def used() -> str | None:
    """The builder that `docker buildx use` named, if it builds elsewhere than on the engine in use."""
    context = context_name()
    name = store.current(engine_address() if context == "default" else context)
    found = None if name is None else store.find(name)
    return None if found is None or _is_engine_in_use(found) else found.name


def known() -> list[Instance | tuple[str, ConfigError]]:
    """All builders that can be named: those of buildx, or why one can't be read, and the Docker contexts."""
    found: list[Instance | tuple[str, ConfigError]] = []
    for name in store.names():
        try:
            instance = store.find(name)
        except ConfigError as error:
            found.append((name, error))
            continue
        if instance is not None:
            found.append(instance)
    taken = {each.name if isinstance(each, Instance) else each[0] for each in found}
    return [*map(_of_context, [name for name in context_names() if name not in taken]), *found]


def _named(name: str, where: str | None = None) -> Wanted:
    """Raises EngineError when there is no such builder; ``where`` is what names it."""
    if is_builder_address(name):
        return Wanted("buildkit", Instance(name, "remote", (Node(name, name),)))
    found = store.find(name)
    if found is None and not is_context(name):
        near = get_close_matches(name, [*KINDS, *store.names(), *context_names()], 1)
        hint = f"did you mean {near[0]}? {_SEE}" if near else _SEE
        raise EngineError(f"there is no builder {name[:100]}", where=where, hint=hint)
    found = found or _of_context(name)
    if found.driver not in DRIVERS:
        raise EngineError(
            f"the builder {name} has the driver {found.driver[:100]}, which ctxsize does not know",
            where=where,
            hint=f"known are {', '.join(DRIVERS)}",
        )
    return Wanted("auto") if _is_engine_in_use(found) else Wanted("buildkit", found)


def _of_context(name: str) -> Instance:
    """The builder that every Docker context is: its engine's own BuildKit."""
    return Instance(name, "docker", (Node(name, name),))


def _is_engine_in_use(found: Instance) -> bool:
    places = {node.endpoint for node in found.nodes}
    return found.driver == "docker" and places <= {context_name(), engine_address()}
