"""Secrets of a build: ``moby.buildkit.secrets.v1.Secrets/GetSecret``, for ``RUN --mount=type=secret``.

Specs are those of ``docker build --secret``: ``id=ID[,src=PATH|,env=NAME]``. Semantics: moby/buildkit
session/secrets/secretsprovider and docker/buildx util/buildflags/secrets.go.
"""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpclib
from grpclib.const import Handler, Status

from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.buildkit.errors import RequestError
from ctxsize.engine.buildkit.session import unary

MAX_SECRET_BYTES = 500 * 1024
"""BuildKit's own limit."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret's value comes from: exactly one of a file's path and an environment variable's name."""

    id: str
    path: str | None = None
    env: str | None = None

    def read(self, environ: Mapping[str, str]) -> bytes | None:
        """The value, or None when there is none. Raises OSError, and RequestError when it is too big."""
        if self.env is not None:
            return os.fsencode(environ[self.env]) if self.env in environ else None
        data = Path(self.path or "").read_bytes()
        if len(data) > MAX_SECRET_BYTES:
            raise RequestError(f"secret {self.id}: {self.path} is too big (at most {MAX_SECRET_BYTES} bytes)")
        return data


def parse_secret(spec: str, environ: Mapping[str, str]) -> Secret:
    """Read one ``--secret`` value. With neither source the id names an environment variable, else a file.

    Raises RequestError for a malformed one, and for a file that is not there.
    """
    try:
        fields = next(csv.reader([spec], strict=True), [])
    except csv.Error as error:
        raise RequestError(f"--secret can't be read: {error}") from error
    values: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        key = {"src": "source"}.get(key.lower(), key.lower())
        if not equals or key not in ("id", "source", "env", "type"):
            # Not shown: who writes this wrongly may have written the secret itself.
            raise RequestError("--secret takes id=, and src= or env=, and type=, never the value itself")
        values[key] = value
    if values.get("type") not in (None, "file", "env"):
        raise RequestError("the type= of a --secret is file or env")
    if not values.get("id"):
        raise RequestError("a --secret needs an id=")
    identity, source, env = values["id"], values.get("source"), values.get("env")
    if values.get("type") == "env" and source is not None and env is None:
        source, env = None, source
    if source is not None and env is not None:
        raise RequestError(f"secret {identity}: either src= or env=, not both")
    if source is None and env is None:
        source, env = (None, identity) if identity in environ else (identity, None)
    if source is not None and not Path(source).is_file():
        raise RequestError(f"secret {identity}: no such file: {source}")
    return Secret(identity, source, env)


class Secrets:
    """Answers the engine's requests for secrets."""

    def __init__(self, specs: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._secrets = {s.id: s for s in (parse_secret(spec, self._environ) for spec in specs)}

    def __mapping__(self) -> dict[str, Handler]:
        path = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
        return unary(path, self._get, pb.GetSecretRequest, pb.GetSecretResponse)

    async def _get(self, request: pb.GetSecretRequest) -> pb.GetSecretResponse:
        secret = self._secrets.get(request.id)
        try:
            data = None if secret is None else await asyncio.to_thread(secret.read, self._environ)
        except OSError as error:
            reason = f"secret {request.id}: {error.filename}: {error.strerror}"
            raise grpclib.GRPCError(Status.UNKNOWN, reason) from error
        except RequestError as error:
            raise grpclib.GRPCError(Status.UNKNOWN, str(error)) from error
        if data is None:
            raise grpclib.GRPCError(Status.NOT_FOUND, f"secret {request.id}: not found")
        return pb.GetSecretResponse(data=data)
