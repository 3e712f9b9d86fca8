"""Logins for pulls: ``moby.filesync.v1.Auth``, answered from the user's Docker configuration.

For registries with tokens the engine never sees the password: we claim a token authority, so it asks us to
fetch each token (``FetchToken``) and gets only that. An authority is a public key with which other sessions
could prove that they may share our tokens; ours is random and never proven, so tokens are not shared beyond
the session. For registries with basic authentication the protocol has the engine ask for the password
(``Credentials``), as with the official client. Semantics: moby/buildkit session/auth/authprovider,
util/resolver/authorizer.go; containerd core/remotes/docker/auth/fetch.go.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from typing import Any

import docker.auth
import docker.errors
import grpclib
import requests
import urllib3.exceptions
from grpclib.const import Handler, Status

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.limits import answers
from ctxsize.engine.buildkit.session import unary

TOKEN_TIMEOUT = 30.0
"""Seconds a registry's token service has to answer."""
_CLIENT_ID = "buildkit-client"
_DEFAULT_EXPIRATION = 60
_MOST_TOKEN_BYTES = 1024 * 1024
_TROUBLE = (requests.RequestException, urllib3.exceptions.HTTPError, docker.errors.DockerException)
_HUB = f"registry-1.{docker.auth.INDEX_NAME}"
"""The host that BuildKit asks about where the configuration has the index: its default registry."""


class Auth:
    """Answers the engine's questions about registries.

    ``used`` maps each host that a stored login was used for to its user name.
    """

    def __init__(self, config: docker.auth.AuthConfig) -> None:
        self._config = config
        self._authority = os.urandom(32)
        self.used: dict[str, str] = {}

    def __mapping__(self) -> dict[str, Handler]:
        path = "/moby.filesync.v1.Auth/"
        return {
            **unary(f"{path}Credentials", self._credentials, pb.CredentialsRequest, pb.CredentialsResponse),
            **unary(f"{path}FetchToken", self._fetch_token, pb.FetchTokenRequest, pb.FetchTokenResponse),
            **unary(
                f"{path}GetTokenAuthority",
                self._get_authority,
                pb.GetTokenAuthorityRequest,
                pb.GetTokenAuthorityResponse,
            ),
            **unary(
                f"{path}VerifyTokenAuthority",
                self._verify_authority,
                pb.VerifyTokenAuthorityRequest,
                pb.VerifyTokenAuthorityResponse,
            ),
        }

    def login(self, host: str) -> tuple[str, str]:
        """(user name, secret) stored for a registry host, both empty when there is none.

        An identity token is a secret without a user name. Raises GRPCError when a credential helper fails.
        """
        try:
            found = self._config.resolve_authconfig(None if host == _HUB else host) or {}
        except docker.errors.DockerException as error:
            raise grpclib.GRPCError(
                Status.UNKNOWN, f"the credential helper for {host} failed: {error.__cause__ or error}"
            ) from error
        values = {key.lower(): value for key, value in found.items()}
        if values.get("identitytoken"):
            self.used[host] = ""
            return "", values["identitytoken"]
        if values.get("password"):
            self.used[host] = values.get("username", "")
        return values.get("username") or "", values.get("password") or ""

    async def _credentials(self, request: pb.CredentialsRequest) -> pb.CredentialsResponse:
        username, secret = await asyncio.to_thread(self.login, request.host)
        return pb.CredentialsResponse(username=username, secret=secret)

    async def _fetch_token(self, request: pb.FetchTokenRequest) -> pb.FetchTokenResponse:
        return await asyncio.to_thread(self.token, request)

    async def _get_authority(self, _: pb.GetTokenAuthorityRequest) -> pb.GetTokenAuthorityResponse:
        return pb.GetTokenAuthorityResponse(public_key=self._authority)

    async def _verify_authority(self, _: pb.VerifyTokenAuthorityRequest) -> pb.VerifyTokenAuthorityResponse:
        raise grpclib.GRPCError(Status.UNAVAILABLE, "tokens of other sessions are not shared")

    def token(self, request: pb.FetchTokenRequest) -> pb.FetchTokenResponse:
        """A token for ``request.scopes``, with the login stored for its host. Raises GRPCError."""
        username, secret = self.login(request.host)
        try:
            if secret:
                response = self._oauth(request, username, secret)
                # Token services without POST answer in any of these ways.
                if response.status_code in (401, 404) or (response.status_code == 405 and username):
                    response = self._plain(request, username, secret)
            else:
                response = self._plain(request, username, secret)
            response.raise_for_status()
            found = answers.parse(response)
            token = found.get("access_token") or found.get("token")
            if not token:
                raise ValueError("the answer has no token")
            return pb.FetchTokenResponse(
                token=token,
                expires_in=int(found.get("expires_in") or _DEFAULT_EXPIRATION),
                issued_at=_epoch(found.get("issued_at")),
            )
        except (*_TROUBLE, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            who = f" with the login of {username or 'an identity token'}" if secret else ""
            reason = f"failed to fetch a token for {request.host}{who}: {error}"
            raise grpclib.GRPCError(Status.UNAUTHENTICATED, reason) from error

    def _oauth(self, request: pb.FetchTokenRequest, username: str, secret: str) -> requests.Response:
        form = {"service": request.service, "client_id": _CLIENT_ID}
        if request.scopes:
            form["scope"] = " ".join(request.scopes)
        if username:
            form |= {"grant_type": "password", "username": username, "password": secret}
        else:
            form |= {"grant_type": "refresh_token", "refresh_token": secret}
        return _ask("POST", request.realm, data=form)

    def _plain(self, request: pb.FetchTokenRequest, username: str, secret: str) -> requests.Response:
        query: dict[str, Any] = {"scope": list(request.scopes)}
        if request.service:
            query["service"] = request.service
        return _ask("GET", request.realm, params=query, auth=(username, secret) if secret else _no_auth)


def _ask(method: str, realm: str, **what: Any) -> requests.Response:
    """What a token service answers, which the engine names: no more is read of it, be it one that sends us
    elsewhere, than a token has."""

    def read(response: requests.Response, *_: Any, **__: Any) -> None:
        answers.read_whole(response, _MOST_TOKEN_BYTES)

    def ask() -> requests.Response:
        return requests.request(
            method,
            realm,
            headers={"Accept-Encoding": "identity"},
            timeout=TOKEN_TIMEOUT,
            stream=True,
            hooks={"response": read},
            **what,
        )

    return answers.within(TOKEN_TIMEOUT, ask)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding a login out of ~/.netrc, which Docker does not know."""
    return request


def _epoch(issued_at: object) -> int:
    """RFC 3339 time as epoch seconds; 0 when absent or malformed."""
    try:
        return int(datetime.fromisoformat(str(issued_at)).timestamp())
    except (ValueError, OverflowError):
        return 0
