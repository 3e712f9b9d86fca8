"""A run's images: which of them nobody wants, what removing them frees, and removing one.

A tag on an image means that it is wanted, and so is all that it is built on.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import docker
from docker.errors import APIError, NotFound

from ctxsize.engine.buildkit import Refused
from ctxsize.engine.buildkit.limits.answers import parse_time
from ctxsize.engine.errors import reason, sensible
from ctxsize.engine.marks import RUN_LABEL

#: With these an engine, or what sits before it, says that it will not do it, now or later.
_REFUSED = (401, 403, 405, 407, 501)


class HeldImages:
    """Images of a run that are no longer needed go, unless somebody holds them: a build that took all of it
    from the cache gives the image of one before it again."""

    def __init__(self, remove: Callable[[str], None]) -> None:
        """``remove`` removes an image, unless it has a tag."""
        self._remove = remove
        self._held: Counter[str] = Counter()

    def hold(self, image_id: str) -> None:
        """Have an image stay until it is released as often."""
        self._held[image_id] += 1

    def release(self, image_id: str) -> None:
        """Let go of an image, and remove it when nobody else holds it."""
        self._held[image_id] -= 1
        self.remove(image_id)

    def remove(self, image_id: str) -> None:
        """Remove an image unless it is held."""
        if self._held[image_id] <= 0:
            self._remove(image_id)


def remove_untagged(api: docker.APIClient, image_id: str) -> bool:
    """Remove the image unless it has a tag; none of its parents is removed.

    False when something still builds on it or runs it, so that it can't go yet, and when that is refused.
    """
    try:
        remove_image(api, image_id)
    except APIError:
        return False
    return True


def remove_image(api: docker.APIClient, image_id: str) -> None:
    """As ``remove_untagged``. Raises APIError."""
    with contextlib.suppress(NotFound):
        if not api.inspect_image(image_id).get("RepoTags"):
            api.remove_image(image_id, noprune=True)


def refusal(error: APIError | Refused) -> str:
    """Why this is refused for good; empty when it may go later, as something uses it."""
    if isinstance(error, Refused):
        return str(error)
    return reason(error) if error.status_code in _REFUSED else ""


def is_made_by(image: Mapping[str, Any], run: str, began: int) -> bool:
    """Whether an image that the builder of ``run`` seemed to name was made by it.

    ``image`` is the engine's inspection of it; ``began`` is when the run did, in epoch nanoseconds by the
    engine's clock. What a RUN of a classic build prints can look like the builder's own words. So an image
    without the run's label, as ONBUILD triggers make them, must at least be younger than the run.
    """
    labels = image["Config"].get("Labels") or {}
    return labels.get(RUN_LABEL) == run or parse_time(str(image["Created"])) >= began


def built_on(images: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids (digits alone) of what is wanted among ``images``: the tagged ones and all that they are built
    on."""
    every = {digits_of(str(image["Id"])): image for image in images}
    wanted: set[str] = set()
    for digits, image in every.items():
        current = digits if is_tagged(image) else ""
        while current in every and current not in wanted:
            wanted.add(current)
            current = digits_of(str(every[current].get("ParentId") or ""))
    return wanted


def unwanted(images: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of ``images`` that have no tag and that no tagged one of them is built on."""
    every = list(images)
    wanted = built_on(every)
    return [image for image in every if digits_of(str(image["Id"])) not in wanted]


def is_tagged(image: Mapping[str, Any]) -> bool:
    """Whether an image of the engine's list has a name."""
    return any(tag != "<none>:<none>" for tag in image.get("RepoTags") or [])


def digits_of(image_id: str) -> str:
    """An image's id without the algorithm."""
    return image_id.removeprefix("sha256:")


def children_first(images: Iterable[Mapping[str, Any]]) -> list[str]:
    """Ids of the untagged images, each before the one it is built on: their times, in whole seconds, don't
    tell which that is."""
    with sensible("its images"):
        parents = {
            str(image["Id"]): str(image.get("ParentId") or "") for image in images if not is_tagged(image)
        }

    def depth(image: str) -> int:
        steps = 0
        while image in parents and steps < len(parents):
            image, steps = parents[image], steps + 1
        return steps

    return sorted(parents, key=depth, reverse=True)


def find_untagged(api: docker.APIClient, image: str, run: str, began: int) -> str | None:
    """The full id of ``image`` if ``run`` made it (see ``is_made_by``), it is still there and has no tag."""
    try:
        found = api.inspect_image(image)
    except NotFound:
        return None
    with sensible("an image"):
        return str(found["Id"]) if is_made_by(found, run, began) and not is_tagged(found) else None


def own_bytes(images: Iterable[Mapping[str, Any]]) -> dict[str, int | None]:
    """By the ids of ``images`` what each has beside the one it is built on; None where that is not among
    them, or the engine tells no sizes. BuildKit's are built on none: what removing them frees depends on its
    cache."""
    every = {str(image.get("Id")): image for image in images}
    found: dict[str, int | None] = {}
    for each, image in every.items():
        sizes = image.get("Size"), every.get(str(image.get("ParentId")), {}).get("Size")
        found[each] = sizes[0] - sizes[1] if isinstance(sizes[0], int) and isinstance(sizes[1], int) else None
    return found


def freed_bytes(api: docker.APIClient, images: Sequence[str]) -> dict[str, int | None]:
    """For each of ``images`` the bytes that removing all of them frees: those of the layers that no image
    holds which stays, counted once.

    An image's size is known as a whole only, so a part shared with others must be an image itself to be
    subtracted: a base image is.
    """
    inspected = {image: _layers(api, image) for image in images}
    held: list[tuple[str, ...]] = [()]
    sizes: dict[tuple[str, ...], int] = {(): 0}
    for other in api.images(all=False):
        if str(other["Id"]) not in inspected and (known := _layers(api, str(other["Id"]))):
            held.append(known[0])
            sizes[known[0]] = known[1]
    freed: dict[str, int | None] = {}
    for image, known in sorted(inspected.items(), key=lambda item: len(item[1][0]) if item[1] else 0):
        if known is None:
            freed[image] = None
            continue
        layers, size = known
        shared = layers[: max(_common(layers, other) for other in held)]
        freed[image] = size - sizes[shared] if shared in sizes else None
        held.append(layers)
        sizes[layers] = size
    return freed


def _layers(api: docker.APIClient, image: str) -> tuple[tuple[str, ...], int] | None:
    """An image's layers, lowest first, and its bytes; None when it is gone meanwhile."""
    try:
        found = api.inspect_image(image)
    except APIError:
        return None
    with sensible("an image"):
        return tuple(found["RootFS"].get("Layers") or ()), int(found["Size"])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many layers two images have in common from below."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
