"""Speaking with a registry: https://github.com/opencontainers/distribution-spec/blob/main/spec.md

A registry is a stranger: what it answers is bounded in size and time, what has a digest is held against it,
and a login goes only where Docker would send it, and never over a network without TLS.
"""

from __future__ import annotations

import base64
import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

import grpclib
import requests
import urllib3.exceptions
from docker.errors import DockerException

from ctxsize import __version__
from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.limits.answers import BadAnswer, pieces, read_whole, within
from ctxsize.engine.buildkit.services.auth import Auth
from ctxsize.engine.buildkit.services.helpers import Logins
from ctxsize.engine.clients import is_loopback
from ctxsize.engine.configuration import check_configuration, configured
from ctxsize.engine.errors import reason
from ctxsize.engine.registry.reference import Reference
from ctxsize.errors import EngineError, UsageError

#: Seconds for an answer that is read whole, and of silence in one that is streamed.
ANSWER_SECONDS = 60
#: Bytes of a manifest or an index: Docker takes no larger ones.
MOST_MANIFEST = 4 << 20
_MOST_REDIRECTS = 5
_TROUBLE = (
    DockerException,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
    LookupError,
)


class Registry:
    """The repository of one image in its registry. Use as a context manager.

    Raises EngineError when the registry can't be reached or says what none says, UsageError when it has no
    such image or wants a login.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._session = _Session(secure=not reference.loopback)
        self._base: str | None = None
        self._authorization: str | None = None
        self._logins = _logins()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        self._logins.close()

    def manifest(self, version: str, accept: str) -> tuple[bytes, str]:
        """The manifest or index of a tag or digest, and its own digest."""
        response = self._get(f"manifests/{version}", {"Accept": accept}, most=MOST_MANIFEST)
        data: bytes = response.content
        found = f"sha256:{hashlib.sha256(data).hexdigest()}"
        said = version if ":" in version else response.headers.get("Docker-Content-Digest", found)
        self._check(said, found, f"the manifest {version}")
        return data, found

    def small_blob(self, digest: str, size: int) -> bytes:
        """A blob that is read whole, ``size`` bytes at most."""
        response = self._get(f"blobs/{digest}", {}, most=size)
        data: bytes = response.content
        self._check(digest, f"sha256:{hashlib.sha256(data).hexdigest()}", f"the blob {digest}")
        return data

    @contextmanager
    def blob(self, digest: str, size: int) -> Iterator[Iterator[bytes]]:
        """A blob of ``size`` bytes as a stream; EngineError at its end when it is another one."""
        response = self._get(f"blobs/{digest}", {}, most=None)
        with response:
            yield self._verified(response, digest, size)

    def _verified(self, response: requests.Response, digest: str, size: int) -> Iterator[bytes]:
        summed, left = hashlib.sha256(), size
        with self._trouble():
            for piece in pieces(response):
                left -= len(piece)
                if left < 0:
                    break
                summed.update(piece)
                yield piece
        if left:
            self._fail(f"the blob {digest} is {'longer' if left < 0 else 'shorter'} than its {size} bytes")
        self._check(digest, f"sha256:{summed.hexdigest()}", f"the blob {digest}")

    def _check(self, said: str, found: str, what: str) -> None:
        if said != found:
            self._fail(f"{what} has not the content that its digest says")

    def _get(self, path: str, headers: Mapping[str, str], most: int | None) -> requests.Response:
        """The answer to a request, read whole when it may have ``most`` bytes."""
        with self._trouble():
            for base in (self._base,) if self._base else self._bases():
                try:
                    response = self._ask(f"{base}{path}", headers, most)
                except (requests.exceptions.SSLError, requests.exceptions.ConnectionError):
                    if base == self._bases()[-1] or self._base:
                        raise
                    continue
                self._base = base
                break
        self._refuse(response)
        return response

    def _bases(self) -> tuple[str, ...]:
        """Where to ask: as Docker does, on this machine also without TLS."""
        host, name = self._reference.host, self._reference.name
        schemes = ("https", "http") if self._reference.loopback else ("https",)
        return tuple(f"{scheme}://{host}/v2/{name}/" for scheme in schemes)

    def _ask(self, url: str, headers: Mapping[str, str], most: int | None) -> requests.Response:
        response = self._request(url, headers, most)
        if response.status_code == requests.codes.unauthorized:
            challenge = response.headers.get("WWW-Authenticate", "")
            response.close()
            self._authorization = self._authorize(challenge, urlsplit(url).scheme == "http")
            response = self._request(url, headers, most)
        return response

    def _request(self, url: str, headers: Mapping[str, str], most: int | None) -> requests.Response:
        sent = {**headers, "Accept-Encoding": "identity", "User-Agent": f"ctxsize/{__version__}"}
        if self._authorization:
            sent["Authorization"] = self._authorization

        def work() -> requests.Response:
            response = self._session.get(url, headers=sent, auth=_as_is, stream=True, timeout=ANSWER_SECONDS)
            if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
                raise BadAnswer("its answer is compressed, though that was not asked for")
            if most is not None or not response.ok:
                read_whole(response, most or MOST_MANIFEST)
            return response

        return within(ANSWER_SECONDS, work)

    def _authorize(self, challenge: str, plain: bool) -> str | None:
        """What to send to a registry that answers with ``challenge``; ``plain``: it speaks without TLS."""
        kind, _, rest = challenge.strip().partition(" ")
        reference = self._reference
        auth = Auth(self._logins)
        if kind.lower() == "basic":
            username, secret = auth.login(reference.host)
            if not secret:
                return None
            return "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()
        if kind.lower() != "bearer":
            raise BadAnswer("it wants a login of a kind that Docker does not have")
        said = parse_keqv_list(parse_http_list(rest))
        realm = str(said.get("realm") or "")
        where = urlsplit(realm)
        if where.scheme != "https" and not (
            plain and where.scheme == "http" and is_loopback(where.hostname or "")
        ):
            raise BadAnswer("it sends us for a token to a place without TLS")
        scope = said.get("scope") or f"repository:{reference.name}:pull"
        request = pb.FetchTokenRequest(
            host=reference.host, realm=realm, service=str(said.get("service") or ""), scopes=scope.split()
        )
        return f"Bearer {auth.token(request).token}"

    def _refuse(self, response: requests.Response) -> None:
        """Raise for an answer that is an error."""
        if response.ok and response.status_code == requests.codes.ok:
            return
        code = response.status_code
        response.close()
        where = str(self._reference)
        if code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise UsageError(
                f"the registry does not give it to us ({code})",
                where=where,
                hint=f"is the name right? `docker login {self._reference.host}` stores a login",
            )
        if code == requests.codes.not_found:
            raise UsageError("the registry has no such image", where=where, hint="is the tag right?")
        if code == requests.codes.too_many_requests:
            raise EngineError(f"{where}: the registry wants fewer requests (429)", hint="try again later")
        raise EngineError(f"{where}: the registry answers {code}", hint="is it a registry, and does it work?")

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except grpclib.GRPCError as error:
            raise UsageError(
                f"no login: {error.message}",
                where=str(self._reference),
                hint=f"`docker login {self._reference.host}` stores one",
            ) from error
        except requests.exceptions.SSLError as error:
            raise EngineError(
                f"{self._reference}: no TLS with this registry: {reason(error)}",
                hint="REQUESTS_CA_BUNDLE names a file of certificates to trust",
            ) from error
        except _TROUBLE as error:
            raise EngineError(
                f"{self._reference}: no answer of a registry: {reason(error)}",
                hint="is the host right, and reachable?",
            ) from error

    def _fail(self, why: str) -> None:
        raise EngineError(f"{self._reference}: {why}", hint="what is between you and the registry: a proxy?")


class _Session(requests.Session):
    """Follows a registry to where its blobs are, but not with a login, and not to where there is no TLS
    unless it has none itself, being on this machine."""

    def __init__(self, *, secure: bool) -> None:
        super().__init__()
        self._secure = secure
        self.max_redirects = _MOST_REDIRECTS

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Take the login away from what goes to another host; requests would look for one in ~/.netrc."""
        url = str(prepared_request.url)
        if self.should_strip_auth(str(response.request.url), url):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where an answer sends us. Raises BadAnswer for a place without TLS."""
        target: str | None = super().get_redirect_target(resp)
        if target is not None:
            where = urlsplit(requests.compat.urljoin(str(resp.url), target))
            if where.scheme != "https" and (self._secure or not is_loopback(where.hostname or "")):
                raise BadAnswer("it sends us to a place without TLS")
        return target

    def merge_environment_settings(self, url: Any, proxies: Any, *more: Any) -> Any:
        """No proxy for this machine, as with Docker, whose registry there needs no certificate that is
        known."""
        host = urlsplit(str(url)).hostname or ""
        if is_loopback(host):
            proxies = {**(proxies or {}), "no_proxy": host}
        settings = super().merge_environment_settings(url, proxies, *more)
        if is_loopback(host) and not self._secure:
            settings["verify"] = False
        return settings

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        """Send it, without the warning that a registry on this machine shows no certificate."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            return super().send(request, **settings)


def _as_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding a login out of ~/.netrc, which Docker does not know."""
    return request


def _logins() -> Logins:
    """The logins of the Docker configuration. Raises ConfigError for one that can't be read."""
    check_configuration()
    # Without any the SDK reads the file itself: only it knows the form of long ago.
    logins: Logins = Logins.load_config(None, configured() or None, credstore_env={})
    return logins
