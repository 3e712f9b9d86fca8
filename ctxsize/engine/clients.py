"""The clients that speak with an engine: the Docker SDK's, and one for Podman.

Podman's Docker API differs from Docker's in this (measured on Podman 4.3.1, 5.4.2 and 5.8.6):

- Its ``ID`` is a new one in every answer.
- ``DELETE /images/…`` ignores ``noprune``: all untagged images that the image is built on go with it, even
  somebody else's. Podman's own API (``/libpod``) heeds it.
- A build filters the context that it was sent once more, and versions differ in the ignore file that does it:
  4.3 takes the one beside the Dockerfile, 5.4 first those in the context's root.
- No list of the Docker API has the containers in which it builds, and these have no labels. One that is left
  behind when the engine is killed keeps its image from being removed.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
from docker.auth import INDEX_NAME, INDEX_URL, convert_to_hostname, encode_header
from docker.credentials.errors import StoreError
from docker.errors import APIError, DockerException, NotFound

from ctxsize.engine.buildkit.limits.answers import BadAnswer, events, parse, read_whole, within
from ctxsize.engine.configuration import lenient
from ctxsize.engine.errors import sensible
from ctxsize.engine.names import is_safe
from ctxsize.files.nested import TooDeep, nested_input

#: The oldest that takes an ignore file for each Dockerfile (buildah 1.28), as a build of ours needs it.
OLDEST = (4, 3)
#: Podman's own API, in the oldest version that all these engines speak.
_OWN_API = "/v4.0.0/libpod"


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this machine (Go's ``httpproxy.useProxy``)."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def is_podman(version: Mapping[str, Any]) -> bool:
    """Whether an engine with this answer to ``/version`` is Podman."""
    return any(part.get("Name") == "Podman Engine" for part in version.get("Components") or [])


def is_too_old(version: str) -> bool:
    """Whether this version of Podman is older than OLDEST."""
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return tuple(numbers) < OLDEST


def storage_id(info: Mapping[str, Any]) -> str:
    """An id for a Podman storage, since its ``ID`` changes: the machine's name and where the images lie on
    it."""
    return f"podman:{info.get('Name', '')}:{info.get('DockerRootDir', '')}"


class Client(docker.APIClient):  # type: ignore[misc]
    """The SDK's client, which trusts what it speaks with. This one bounds the size and the time of answers,
    takes none apart that are not what was asked for, follows no redirect, and asks for nothing but images,
    containers and networks by their names. A call that has a time-out is given up after it, even if the
    engine says something all the while. As Go's does, it asks no proxy for an engine on the loopback
    interface. Raises the SDK's errors."""

    @property
    def _general_configs(self) -> dict[str, Any]:
        """The Docker configuration, which the SDK sets and takes parts out of, and where nulls disturb it."""
        return self._configuration

    @_general_configs.setter
    def _general_configs(self, found: dict[str, Any]) -> None:
        self._configuration = lenient(found)
        self.configuration = copy.deepcopy(self._configuration)

    def _set_auth_headers(self, headers: dict[str, Any]) -> None:
        """Hand over all logins but those whose credential helper fails: as with the official client, only a
        pull that needs one of these fails, and not the build."""
        logins = self._auth_configs
        known = dict(logins.auths)
        with _tolerant():
            for registry in (
                logins._get_store_instance(logins.creds_store).list() if logins.creds_store else ()
            ):
                with _tolerant():
                    known[registry] = logins._resolve_authconfig_credstore(registry, logins.creds_store)
        for registry, helper in logins.cred_helpers.items():
            with _tolerant():
                known[registry] = logins._resolve_authconfig_credstore(registry, helper)
        known.update({convert_to_hostname(registry): login for registry, login in known.items()})
        if INDEX_NAME in known:
            known.setdefault(INDEX_URL, known[INDEX_NAME])  # what the engine looks for
        if known:
            headers["X-Registry-Config"] = encode_header(known)

    def merge_environment_settings(self, url: str, proxies: Any, *more: Any) -> Any:
        """The settings of a request; no proxy of the environment is for an engine on this machine."""
        host = urlsplit(url).hostname or ""
        if is_loopback(host):
            proxies = {**(proxies or {}), "no_proxy": host}
        return super().merge_environment_settings(url, proxies, *more)

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        """Send it. Raises BadAnswer for an answer that no engine gives."""
        streamed = settings.get("stream", False)
        request.headers["Accept-Encoding"] = "identity"

        def work() -> requests.Response:
            response: requests.Response = super(Client, self).send(request, **{**settings, "stream": True})
            try:
                _check(response)
                if not (streamed and response.ok):
                    read_whole(response)
            except BaseException:
                response.close()
                raise
            return response

        timeout = settings.get("timeout")
        return within(timeout[1] if isinstance(timeout, tuple) else timeout, work)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: where an engine sends us is never gone to."""

    def _url(self, pathfmt: str, *args: str, **kwargs: Any) -> str:
        for each in args:
            if not is_safe(each):
                raise docker.errors.DockerException(f"{each[:100]!r} names no image, container or network")
        return str(super()._url(pathfmt, *args, **kwargs))

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        self._raise_for_status(response)
        return parse(response) if json else super()._result(response, binary=binary)

    def _stream_helper(
        self, response: requests.Response, decode: bool = False
    ) -> Generator[dict[str, Any], None, None]:
        """The events of a build, of which the SDK would take any into memory."""
        self._raise_for_status(response)
        yield from events(response)

    def _raise_for_status(self, response: requests.Response) -> None:
        """The SDK expects every error to be a JSON object with a ``message``; a proxy's often is not."""
        try:
            with nested_input():
                super()._raise_for_status(response)
        except (LookupError, TypeError, AttributeError, TooDeep) as error:
            raise APIError(
                f"{response.status_code} without a reason", response=response, explanation=response.text[:200]
            ) from error

    def version(self, api_version: bool = True) -> dict[str, Any]:
        """What the engine says of its version."""
        return _object(super().version(api_version))

    def info(self) -> dict[str, Any]:
        """What the engine says of itself."""
        return _object(super().info())

    def images(self, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        """The images, each with an ``Id``."""
        return _objects(super().images(*args, **kwargs), "Id")

    def containers(self, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        """The containers, each with ``Id``, ``ImageID`` and ``Labels``."""
        return _objects(super().containers(*args, **kwargs), "Id", "ImageID", "Labels")

    def networks(self, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        """The networks, each with ``Id`` and ``Labels``."""
        return _objects(super().networks(*args, **kwargs), "Id", "Labels")

    def inspect_image(self, image: str, **asked: str) -> dict[str, Any]:
        """One image, with ``Id`` and ``Config``. ``asked`` are parameters that the SDK does not know."""
        if not asked:
            return _object(super().inspect_image(image), "Id", "Config")
        answer = self._get(self._url("/images/{0}/json", image), params=asked)
        return _object(self._result(answer, json=True), "Id", "Config")

    def inspect_container(self, container: str) -> dict[str, Any]:
        """One container, with ``Config``."""
        return _object(super().inspect_container(container), "Config")

    def create_container_from_config(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The new container: its ``Id``."""
        return _object(super().create_container_from_config(*args, **kwargs), "Id")

    def wait(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """How a container ended: its ``StatusCode``."""
        return _object(super().wait(*args, **kwargs), "StatusCode")


#: What an answer has by these names, wherever it stands.
_TYPES: dict[str, tuple[type, ...]] = {
    "Config": (dict, type(None)),
    "Id": (str,),
    "ImageID": (str,),
    "Labels": (dict, type(None)),
    "ParentId": (str, type(None)),
    "RepoTags": (list, type(None)),
    "StatusCode": (int,),
}


def _check(response: requests.Response) -> None:
    """Raise BadAnswer for an answer that is not to be read."""
    if response.status_code in (300, 301, 302, 303, 305, 307, 308):
        raise BadAnswer(f"it sends us elsewhere ({response.status_code}), and no redirect is followed")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise BadAnswer("its answer is compressed, though that was not asked for")
    response.encoding = "utf-8"  # whatever it calls itself


def _objects(found: Any, *needed: str) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        raise BadAnswer("its answer is no list")
    return [_object(each, *needed) for each in found]


def _object(found: Any, *needed: str) -> dict[str, Any]:
    """``found``, an object that has ``needed``, and where it needs any, what _TYPES says by these names."""
    if not isinstance(found, dict):
        raise BadAnswer("its answer is no object")
    for key in needed:
        if key not in found:
            raise BadAnswer(f"its answer lacks {key!r}")
    for key, types in _TYPES.items():
        if needed and key in found and not isinstance(found[key], types):
            raise BadAnswer(f"{key} in its answer makes no sense")
    return found


@contextmanager
def _tolerant() -> Iterator[None]:
    """Go on without the login of a credential helper that fails, and without the SDK's own warnings."""
    with warnings.catch_warnings(), suppress(StoreError, DockerException, OSError, ValueError):
        warnings.simplefilter("ignore")
        yield


class PodmanClient(Client):
    """Uses Podman's own API where its Docker API can't do what is needed."""

    def build(self, *args: Any, kept_out: Sequence[str], **options: Any) -> Any:
        """As the SDK's. Podman takes no ignore file out of the context where it is told what is ``kept_out``
        of it, as patterns of one; the SDK does not know of that."""
        self.params = {"excludes": json.dumps(kept_out)}
        try:
            return super().build(*args, **options)
        finally:
            self.params = {}

    def remove_image(self, image: str, force: bool = False, noprune: bool = False) -> list[dict[str, str]]:
        """Remove an image; with ``noprune`` keep what it is built on. Raises the SDK's errors."""
        parameters = {
            "images": image.removeprefix("sha256:"),
            "force": str(force).lower(),
            "noprune": str(noprune).lower(),
        }
        response = self._delete(f"{self.base_url}{_OWN_API}/images/remove", params=parameters)
        self._raise_for_status(response)
        with sensible("an image"):
            answer = parse(response)
            errors = "; ".join(" ".join(str(error).split()) for error in answer.get("Errors") or [])
            deleted = [{"Deleted": str(each)} for each in answer.get("Deleted") or []]
        if errors:
            kind = NotFound if "image not known" in errors else APIError
            raise kind(errors, response=response, explanation=errors)
        return deleted

    def working_containers(self) -> list[dict[str, Any]]:
        """The containers of builds that run, or that were killed: ``Id``, ``ImageID``."""
        response = self._get(
            f"{self.base_url}{_OWN_API}/containers/json", params={"all": "true", "external": "true"}
        )
        self._raise_for_status(response)
        with sensible("its containers"):
            return [each for each in parse(response) if each.get("State") == "storage" and each["ImageID"]]
