"""Credential helpers: the programs ``docker-credential-NAME`` that keep a user's logins.

Docker's protocol: ``get`` with a registry on standard input answers with a JSON object of ``Username`` and
``Secret``. They are programs of the user's choice that may hang, or fail with the secret in what they say: so
their time is limited, and nothing that they print is shown.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import docker.auth
from docker.credentials.errors import CredentialsNotFound, StoreError

from ctxsize.files.nested import nested_input

HELPER_TIMEOUT = 120.0
"""Seconds a helper has to answer: it may be asking for a passphrase."""
_MOST_BYTES = 1024 * 1024
_PAUSE_SECONDS = 0.1
#: Far less than what a pipe holds, so that writing it can't block.
_MOST_NAME_BYTES = 1024
#: How every helper says that it has none (docker-credential-helpers, credentials/error.go).
_NOT_FOUND = b"credentials not found in native keychain"


class Logins(docker.auth.AuthConfig):  # type: ignore[misc]
    """The logins of the Docker configuration as the SDK reads it; helpers are asked here."""

    def __init__(self, dct: dict[str, Any], credstore_env: Mapping[str, str] | None = None) -> None:
        super().__init__(dct, credstore_env)
        self._running = _Running()

    @classmethod
    def of(cls, api: docker.APIClient) -> Logins:
        """Those of an SDK's client. One that has made the configuration fit for the SDK has it; else the SDK
        reads the file."""
        configuration = copy.deepcopy(getattr(api, "configuration", None))
        logins: Logins = cls.load_config(None, configuration, credstore_env=api.credstore_env)
        return logins

    def close(self) -> None:
        """End the helpers that are at work, and any that begin after this."""
        self._running.end()

    def _get_store_instance(self, name: str) -> _Helper:
        return _Helper(name, self._credstore_env or {}, self._running)


class _Running:
    """The helpers at work."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def end(self) -> None:
        self._ended = True
        for process in tuple(self._processes):
            process.kill()

    @contextlib.contextmanager
    def holding(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Have ``process`` among them; afterwards it is gone, whatever happened."""
        self._processes.add(process)
        try:
            if self._ended:
                process.kill()
            yield
        finally:
            process.kill()
            process.wait()
            self._processes.discard(process)


class _Helper:
    """One helper, as far as AuthConfig needs a credential store."""

    def __init__(self, name: str, environment: Mapping[str, str], running: _Running) -> None:
        self._program = f"docker-credential-{name}"
        self._environment = {**os.environ, **environment}
        self._running = running

    def get(self, registry: str) -> dict[str, str]:
        """The login for ``registry``. Raises CredentialsNotFound, and StoreError for a helper that fails."""
        server = registry.encode()
        if len(server) > _MOST_NAME_BYTES:
            raise CredentialsNotFound("no registry has such a name")
        code, output = self._run("get", server)
        if code != 0:
            if _NOT_FOUND in output:
                raise CredentialsNotFound(f"{self._program} has no login for it")
            raise StoreError(f"{self._program} ended with exit code {code}")
        try:
            with nested_input():
                answer = json.loads(output.decode())
            login = {key: answer[key] for key in ("Username", "Secret")}
        except (ValueError, LookupError, TypeError):
            raise StoreError(f"the answer of {self._program} makes no sense") from None
        if not all(isinstance(value, str) for value in login.values()):
            raise StoreError(f"the answer of {self._program} makes no sense")
        if not any(login.values()):  # docker-credential-pass says so that it has none
            raise CredentialsNotFound(f"{self._program} has no login for it")
        return login

    def _run(self, command: str, request: bytes) -> tuple[int, bytes]:
        """(exit code, standard output)."""
        # As Docker's own client: nothing that lies in the current directory, whatever PATH says.
        folders = [
            folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)
        ]
        executable = shutil.which(self._program, path=os.pathsep.join(folders))
        if executable is None or not os.path.isabs(executable):
            raise StoreError(f"there is no program {self._program}")
        deadline = time.monotonic() + HELPER_TIMEOUT
        try:
            process = subprocess.Popen(  # noqa: S603  # the user's own configuration names it
                [executable, command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
            )
        except OSError as error:
            raise StoreError(f"{self._program} can't be run: {error.strerror}") from error
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout, self._running.holding(process):
            try:
                with contextlib.suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(request)
                output = self._read(process, process.stdout.fileno(), deadline)
                return process.wait(max(deadline - time.monotonic(), 0)), output
            except subprocess.TimeoutExpired:
                raise StoreError(f"{self._program} did not answer for {HELPER_TIMEOUT:.0f} seconds") from None

    def _read(self, process: subprocess.Popen[bytes], pipe: int, deadline: float) -> bytes:
        """All it prints. What it started may outlive it and hold the pipe open: nobody waits for that."""
        output = b""
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                ended = process.poll() is not None
                if ready.select(0 if ended else _PAUSE_SECONDS):
                    piece = os.read(pipe, 64 * 1024)
                    output += piece
                    if len(output) > _MOST_BYTES:
                        raise StoreError(f"{self._program} answered more than {_MOST_BYTES >> 20} MiB")
                    ended = not piece
                if ended:
                    return output
        raise subprocess.TimeoutExpired(self._program, HELPER_TIMEOUT)
