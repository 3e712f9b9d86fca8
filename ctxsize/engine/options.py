"""The options of ``docker build`` that a measurement passes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """They are the same for every variant.

    ``build_args`` maps a name to its value, or to None when only the name was given and the
    environment has no such variable. ``network``, ``platform`` and ``target`` are None for the
    engine's default. ``secrets`` and ``ssh`` are specs as ``docker build`` takes them. ``contexts`` maps the
    name of a named context to its directory or to ``docker-image://`` and an image.
    """

    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    platform: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    network: str | None = None
    pull: bool = False
    no_cache: bool = False
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)

    def for_rebuild(self) -> BuildOptions:
        """The same with the cache in use, and without asking a registry for newer base images."""
        return replace(self, no_cache=False, pull=False)
