"""Podman behind its Docker API: telling it from Docker, and a client that asks its own API where the other
one differs, as measured on Podman 4.3.1:

- The id it tells of itself is a new one for every question.
- ``DELETE /images/…`` takes no notice of ``noprune``: with an image go all untagged ones it is built on, be
  they somebody else's. Podman's own API (``/libpod``) does as it is told.
- The containers in which it builds are in no list of the Docker API and have no labels; one that the engine
  left behind when it was killed keeps its image from being removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import docker
from docker.errors import APIError, NotFound

from ctxsize.engine.errors import sensible

#: The oldest that takes an ignore file for each Dockerfile (buildah 1.28), as a build of ours needs it.
OLDEST = (4, 3)
#: Podman's own API, in the oldest version that all these engines speak.
_OWN_API = "/v4.0.0/libpod"


def is_podman(version: Mapping[str, Any]) -> bool:
    """Whether an engine with this answer to ``/version`` is Podman."""
    return any(part.get("Name") == "Podman Engine" for part in version.get("Components") or [])


def is_too_old(version: str) -> bool:
    """Whether this version of Podman is older than OLDEST."""
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return tuple(numbers) < OLDEST


def storage_id(info: Mapping[str, Any]) -> str:
    """What tells one Podman storage from another, since its ``ID`` does not: the machine's name and where the
    images lie on it."""
    return f"podman:{info.get('Name', '')}:{info.get('DockerRootDir', '')}"


class PodmanClient(docker.APIClient):  # type: ignore[misc]
    """The SDK's client, with Podman's own API where its Docker API can't do what is needed."""

    def remove_image(self, image: str, force: bool = False, noprune: bool = False) -> list[dict[str, str]]:
        """Remove an image; with ``noprune`` nothing it is built on. Raises the SDK's errors."""
        parameters = {
            "images": image.removeprefix("sha256:"),
            "force": _flag(force),
            "noprune": _flag(noprune),
        }
        response = self._delete(f"{self.base_url}{_OWN_API}/images/remove", params=parameters)
        self._raise_for_status(response)
        with sensible("an image"):
            answer = response.json()
            errors = "; ".join(" ".join(str(error).split()) for error in answer.get("Errors") or [])
            deleted = [{"Deleted": str(each)} for each in answer.get("Deleted") or []]
        if errors:
            kind = NotFound if "image not known" in errors else APIError
            raise kind(errors, response=response, explanation=errors)
        return deleted

    def working_containers(self) -> list[dict[str, Any]]:
        """The containers in which something builds, or did when it was killed: ``Id``, ``ImageID``."""
        response = self._get(
            f"{self.base_url}{_OWN_API}/containers/json", params={"all": "true", "external": "true"}
        )
        self._raise_for_status(response)
        with sensible("its containers"):
            return [each for each in response.json() if each.get("State") == "storage" and each["ImageID"]]


def _flag(value: bool) -> str:
    return "true" if value else "false"
