"""Which image of an engine is meant by a name: the containerd image store can have one for each platform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from ctxsize.dockerfile.platforms import asked_platform, normalized
from ctxsize.engine.buildkit.bridge import speaks
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import sensible
from ctxsize.engine.names import is_reference
from ctxsize.errors import EngineError, UsageError
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
    several = engine.info.storage.startswith("containerd") and speaks(engine.api, (1, 48))
    try:
        with sensible("the image"):
            about = engine.api.inspect_image(name, **({"manifests": "1"} if several else {}))
            found = EngineImage(str(about["Id"]), _platform({key.lower(): about[key] for key in about}))
            there = [each for each in map(_of_index, about.get("Manifests") or []) if each is not None]
    except ImageNotFound as error:
        raise UsageError("the engine has no such image", where=name, hint="build or pull it first") from error
    except (DockerException, RequestException) as error:
        raise EngineError(f"the engine does not tell of the image {name}: {error}") from error
    asked = asked_platform(platform)
    platforms = [each for each, _, _ in there] or [found.platform]
    at = platforms.index(found.platform) if asked is None and found.platform in platforms else 0
    if asked is not None:
        at = choose(platforms, platform, name)
    if len(there) < 2:
        return found
    its, manifest, query = there[at]
    return EngineImage(found.id, its, manifest, {"platform": query})


def _of_index(entry: Any) -> tuple[str | None, str, str] | None:
    """What an image is for, its digest, and its platform as a request names it; None for what is no image, or
    not there."""
    if entry.get("Kind") != "image" or not entry.get("Available"):
        return None
    said = (entry.get("ImageData") or {}).get("Platform") or {}
    parts = {key: str(said[key]) for key in _PARTS if said.get(key)}
    return _platform(said), str(entry["ID"]), json.dumps(parts)


def _platform(said: Mapping[str, Any]) -> str | None:
    parts = [str(said[key]) for key in _PARTS if said.get(key)]
    return normalized("/".join(parts)) if parts else None
