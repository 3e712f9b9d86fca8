"""Images that the classic builder finished after the run that asked for them was killed or interrupted.

The builder ends the step at work though nobody listens, and can't label what it makes. What came of it is
told for certain, or left alone: it was made right on top of an image of the run, or in a container that
the builder said it had started for the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import docker
from docker.errors import APIError

from ctxsize.engine.trouble import sensible
from ctxsize.engine.untagged import built_on, digits_of, is_tagged

#: Seconds after the run's last word in which a step that was at work may still end.
_AFTERWARDS = 60.0


def find(
    api: docker.APIClient, images: Iterable[str], containers: Sequence[str], *, last_word: float
) -> list[str]:
    """The ids of images that were made on top of ``images`` or in one of ``containers`` until shortly after
    ``last_word`` (epoch seconds); children first. None has a name, nor what was built on it.

    ``images`` and ``containers`` as the builder calls them, by the first digits of their ids.
    """
    with sensible("its images"):
        every = {digits_of(str(image["Id"])): image for image in api.images(all=True)}
        ours = {known for image in images if (known := _known(every, image))}
        found: dict[str, None] = {}
        again = True
        while again:
            again = False
            for digits, image in every.items():
                too_late = float(image["Created"]) > last_word + _AFTERWARDS
                if digits in found or digits in ours or too_late:
                    continue
                parent = digits_of(str(image.get("ParentId") or ""))
                if parent in ours or parent in found or _made_in(api, image, containers):
                    found[digits] = None
                    again = True
        wanted = built_on(every.values())
    return [str(every[digits]["Id"]) for digits in reversed(found) if digits not in wanted]


def _made_in(api: docker.APIClient, image: Mapping[str, Any], containers: Sequence[str]) -> bool:
    """Whether the image is what one of the containers left."""
    if not containers or is_tagged(image):
        return False
    try:
        container = str(api.inspect_image(image["Id"]).get("Container") or "")
    except APIError:
        return False
    return any(container.startswith(ours) for ours in containers)


def _known(every: Iterable[str], image: str) -> str | None:
    """The full digits of an image that the builder named by the first twelve."""
    return next((digits for digits in every if digits.startswith(digits_of(image))), None)
