"""Removing an image unless somebody has given it a name."""

from __future__ import annotations

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
