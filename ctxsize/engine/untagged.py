"""Removing an image unless somebody has given it a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import docker
from docker.errors import APIError, NotFound


def remove_untagged(api: docker.APIClient, image_id: str) -> bool:
    """Remove the image if it has no tag; a tag means that it is wanted. None of its parents is removed.

    False when something still builds on it or runs it, so that it can't go yet.
    """
    try:
        if not api.inspect_image(image_id).get("RepoTags"):
            api.remove_image(image_id, noprune=True)
    except NotFound:
        return True
    except APIError:
        return False
    return True


def built_on(images: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids (digits alone) of the tagged images among ``images``, and of all among them that those were
    built on: what is wanted."""
    every = {digits_of(str(image["Id"])): image for image in images}
    wanted: set[str] = set()
    for digits, image in every.items():
        current = digits if is_tagged(image) else ""
        while current in every and current not in wanted:
            wanted.add(current)
            current = digits_of(str(every[current].get("ParentId") or ""))
    return wanted


def unwanted(images: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of a run's images that have no tag, and that none of the run's tagged ones is built on."""
    every = list(images)
    wanted = built_on(every)
    return [image for image in every if digits_of(str(image["Id"])) not in wanted]


def is_tagged(image: Mapping[str, Any]) -> bool:
    """Whether an image of the engine's list has a name."""
    return any(tag != "<none>:<none>" for tag in image.get("RepoTags") or [])


def digits_of(image_id: str) -> str:
    """An image's id without the algorithm."""
    return image_id.removeprefix("sha256:")
