"""Removing an image unless somebody has given it a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import docker
from docker.errors import APIError, NotFound

from ctxsize.engine.marks import RUN_LABEL
from ctxsize.engine.rfc3339 import parse_time


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


def is_made_by(image: Mapping[str, Any], run: str, began: int) -> bool:
    """Whether ``image``, as the engine describes it at length, is one of ``run``, which ``began`` then (epoch
    nanoseconds, by the engine's clock), when its builder was heard to name it.

    What a RUN of a classic build prints can look like the builder's own words. So an image without the run's
    label, as ONBUILD triggers make them, must at least be younger than the run.
    """
    labels = image["Config"].get("Labels") or {}
    return labels.get(RUN_LABEL) == run or parse_time(str(image["Created"])) >= began


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
