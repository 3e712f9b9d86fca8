"""The builders that ``docker buildx create`` has written down, read as buildx reads them and never written.

The folder is ``$BUILDX_CONFIG``, else ``buildx`` in Docker's own. ``instances/NAME`` is a builder;
``current`` and ``defaults/`` say which one ``docker buildx use`` named (github.com/docker/buildx, store).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctxsize.dockerfile.platforms import normalized
from ctxsize.engine.configuration import docker_folder, parse_json, read_small
from ctxsize.engine.names import is_builder
from ctxsize.errors import ConfigError

#: Files that are looked at, and nodes of one builder.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Node:
    """One BuildKit of a builder. ``endpoint`` is what ``docker buildx create`` was given: a Docker context's
    name, or an address. ``platforms`` are those the user said it has, e.g. ``linux/arm64``."""

    name: str
    endpoint: str
    options: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """A builder as buildx knows it: its ``driver`` and at least one node."""

    name: str
    driver: str
    nodes: tuple[Node, ...]


def folder() -> Path:
    """Where buildx keeps its builders."""
    own = os.environ.get("BUILDX_CONFIG")
    return Path(own) if own else docker_folder() / "buildx"


def find(name: str) -> Instance | None:
    """The builder of that name; None when buildx has none. Raises ConfigError for one that can't be read."""
    if not is_builder(name):
        return None
    path = folder() / "instances" / name.lower()
    found = _json(path)
    return None if found is None else _instance(str(path), found)


def names() -> Iterator[str]:
    """The names of all builders, in order."""
    try:
        found = sorted(entry.name for entry in os.scandir(folder() / "instances"))
    except OSError:
        return
    # Files that are being written begin with a dot.
    yield from [each for each in found if is_builder(each)][:_MOST]


def current(key: str) -> str | None:
    """The builder that ``docker buildx use`` named for a Docker context: ``key`` is the context's name, or
    for ``default`` the engine's address. None when it named none, or one that is gone. Raises ConfigError."""
    path = folder() / "current"
    said = _json(path)
    if said is not None:
        if not isinstance(said, dict):
            raise _wrong(str(path), "not a JSON object")
        name = said.get("Name")
        if name and isinstance(name, str):
            if said.get("Global") is True and (found := find(name)) is not None:
                return found.name
            if said.get("Key") == key:
                return found.name if (found := find(name)) is not None else None
    digits = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:20]
    default = folder() / "defaults" / digits
    if not os.path.lexists(default):
        return None
    with _hinted(default):
        name = read_small(str(default)).decode("utf-8", "replace")
    found = find(name)
    return None if found is None else found.name


def _json(path: Path) -> Any:
    """What the file says; None when there is none."""
    if not os.path.lexists(path):
        return None
    with _hinted(path):
        return parse_json(str(path), read_small(str(path)))


@contextmanager
def _hinted(path: Path) -> Iterator[None]:
    """What is wrong with the file comes with what to do about it."""
    try:
        yield
    except ConfigError as error:
        raise _wrong(error.where or str(path), error.message) from error


def _instance(path: str, found: Any) -> Instance:
    try:
        nodes = tuple(_node(each) for each in found["Nodes"][:_MOST])
        name, driver = _text(found["Name"]), _text(found["Driver"])
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise _wrong(path, "not what buildx writes") from error
    if not nodes or not is_builder(name):
        raise _wrong(path, "a builder without " + ("nodes" if not nodes else "a name"))
    return Instance(name, driver, nodes)


def _node(found: Any) -> Node:
    options = found.get("DriverOpts") or {}
    platforms = found.get("Platforms") or []
    return Node(
        name=_text(found["Name"]),
        endpoint=_text(found["Endpoint"]),
        options={_text(key): _text(value) for key, value in options.items()},
        platforms=tuple(_platform(each) for each in platforms[:_MOST]),
    )


def _platform(found: Any) -> str:
    parts = [found["os"], found["architecture"], found.get("variant")]
    return normalized("/".join(_text(each) for each in parts if each))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _wrong(where: str, what: str) -> ConfigError:
    hint = "delete it: `docker buildx create` or `docker buildx use` writes it anew"
    return ConfigError(what, where=where, hint=hint)
