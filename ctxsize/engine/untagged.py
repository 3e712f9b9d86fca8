"""Removing an image unless somebody has given it a name."""

from __future__ import annotations

import contextlib

import docker
from docker.errors import APIError, NotFound


def remove_untagged(api: docker.APIClient, image_id: str) -> None:
    """Remove the image if it has no tag; a tag means that it is wanted.

    Nothing is removed that something else builds on or runs, and none of its parents.
    """
    # NotFound: it is gone already. A conflict: somebody uses it, so it is not ours alone any more.
    with contextlib.suppress(NotFound, APIError):
        if not api.inspect_image(image_id).get("RepoTags"):
            api.remove_image(image_id, noprune=True)
