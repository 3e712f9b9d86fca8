"""Which image of an engine is meant by a name: the containerd image store can have one for each platform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from ctxsize.dockerfile.platforms import asked_platform
from ctxsize.engine.buildkit.bridge import speaks
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import sensible
from ctxsize.engine.names import is_reference
from ctxsize.errors import EngineError, UsageError
from ctxsize.image.content import platform_of
from ctxsize.image.manifest import choose

_PARTS = ("os", "architecture", "variant")


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image that the engine has. ``id`` is the engine's name for it, and ``platform`` what it is for, None
    when it does not say. Of several with that id ``manifest`` is the digest of the one that is meant, and
    ``asked`` how a request asks for it."""

    id: str
    platform: str | None
    manifest: str | None = None
    asked: Mapping[str, str] = field(default_factory=dict)


def find_image(engine: Engine, name: str, platform: str | None = None) -> EngineImage:
    """The image ``name`` for ``platform``; None: for that of DOCKER_DEFAULT_PLATFORM, else the one that the
    engine takes. Raises UsageError when the engine has none, with the platforms that are there, EngineError.
    """
    if not is_reference(name):
        raise UsageError("no image can have that name", where=name, hint="see `docker image ls`")
    several = {"manifests": "1"} if has_several(engine, (1, 48)) else {}
    try:
        with sensible("the image"):
            about = engine.api.inspect_image(name, **several)
            found = EngineImage(str(about["Id"]), platform_of({key.lower(): about[key] for key in about}))
            there = [each for each in map(_of_index, about.get("Manifests") or []) if each is not None]
    except ImageNotFound as error:
        raise UsageError("the engine has no such image", where=name, hint="build or pull it first") from error
    except (DockerException, RequestException) as error:
        raise EngineError(f"the engine does not tell of the image {name}: {error}") from error
    asked = asked_platform(platform, podman=engine.info.podman)
    platforms = [each for each, _, _ in there] or [found.platform]
    at = platforms.index(found.platform) if asked is None and found.platform in platforms else 0
    if asked is not None:
        at = choose(platforms, platform, name)
    if len(there) < 2:
        return found
    its, manifest, asked_for = there[at]
    return EngineImage(found.id, its, manifest, asked_for)


def has_several(engine: Engine, version: tuple[int, int]) -> bool:
    """Whether the engine may have several images of one name, and speaks this version of the API."""
    return engine.info.storage.startswith("containerd") and speaks(engine.api, version)


def engine_query(platform: str) -> dict[str, str]:
    """How a request asks for the image for a platform."""
    return _asking(dict(zip(_PARTS, platform.split("/"), strict=False)))


def _asking(parts: Mapping[str, Any]) -> dict[str, str]:
    return {"platform": json.dumps({key: str(parts[key]) for key in _PARTS if parts.get(key)})}


def _of_index(entry: Any) -> tuple[str | None, str, dict[str, str]] | None:
    """What an image is for, its digest, and how a request asks for it; None for what is no image, or not
    there."""
    if entry.get("Kind") != "image" or not entry.get("Available"):
        return None
    said = (entry.get("ImageData") or {}).get("Platform") or {}
    return platform_of(said), str(entry["ID"]), _asking(said)
