"""Names of named contexts, as BuildKit compares them with what FROM and ``--from`` say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: What no named context can stand for: FROM scratch is nothing, and BuildKit looks neither of them up.
RESERVED = ("scratch", "context")


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a name stands for: the directory of the named context ``context``, or the image ``image``."""

    context: str | None = None
    image: str | None = None


#: What stands in the place of a stage's name or of an image, by the name as ``familiar`` gives it.
Replacements = Mapping[str, Replacement]


def familiar(name: str) -> str:
    """The name as people write it: without Docker Hub's host, its ``library/`` and ``:latest``, which say
    nothing. ``docker.io/library/alpine:latest`` and ``alpine`` are one."""
    for host in ("index.docker.io/", "docker.io/"):
        if name.startswith(host):
            name = name.removeprefix(host)
            break
    if name.count("/") == 1:
        name = name.removeprefix("library/")
    return name.removesuffix(":latest")


def replaced(name: str, by: Replacements) -> Replacement | None:
    """What stands in the place of ``name``; None when it means itself."""
    return None if name.lower() in RESERVED else by.get(familiar(name))
