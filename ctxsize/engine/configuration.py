"""Looking at the Docker configuration before the Docker SDK reads it.

The SDK takes a file that it can't parse for an empty one, and so goes on without logins, and on another
engine than that of the current context. It waits on a pipe for ever, and a value of an unexpected type ends
in an error of Python's.
"""

from __future__ import annotations

import copy
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docker import auth
from docker.errors import DockerException
from docker.utils.config import find_config_file, home_dir

from ctxsize.errors import ConfigError
from ctxsize.files.nested import nested_input

#: Bytes of a file that a person or the official client wrote: it would be read again for each client.
_MOST_BYTES = 4 * 1024 * 1024
_HINT = "mend it, or point DOCKER_CONFIG at another directory"
#: The old file, which need not be JSON.
_LEGACY = ".dockercfg"
_PROXIES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "noProxy": "NO_PROXY",
    "ftpProxy": "FTP_PROXY",
    "allProxy": "ALL_PROXY",
}


def docker_folder() -> Path:
    """Where the official client keeps its configuration."""
    return Path(os.environ.get("DOCKER_CONFIG") or os.path.join(home_dir(), ".docker"))


def check_configuration() -> None:
    """Raise ConfigError when the configuration file that the SDK will read is not what it should be."""
    path = find_config_file()
    if path is None:
        return
    data = read_small(path)
    if not data.strip() or os.path.basename(path) == _LEGACY:
        return
    found = parse_json(path, data)
    if not isinstance(found, dict):
        raise _wrong(path, "not a JSON object")
    found = lenient(found)
    for key, (fits, what) in _SHAPES.items():
        if key in found and not fits(found[key]):
            raise _wrong(path, f"{key} must be {what}")
    try:
        auth.load_config(config_dict=copy.deepcopy(found))
    except (DockerException, ValueError, TypeError, AttributeError) as error:
        # Not shown: it may have a part of a password in it.
        raise _wrong(path, "a login in it is not Base64 of a user, a colon and a password") from error


def configured() -> dict[str, Any]:
    """What the configuration file says; nothing when there is none, or one of the form of long ago. Raises
    ConfigError when it can't be read."""
    path = find_config_file()
    if path is None or os.path.basename(path) == _LEGACY:
        return {}
    data = read_small(path)
    return lenient(parse_json(path, data) if data.strip() else {})


def lenient(found: dict[str, Any]) -> dict[str, Any]:
    """A configuration as the official client takes it: null, and an empty login, is as if there were none."""
    kept = {key: _without_nulls(value) for key, value in found.items() if value is not None}
    if isinstance(logins := kept.get("auths"), dict):
        kept["auths"] = {
            registry: {key: value for key, value in login.items() if value not in ("", None)}
            if isinstance(login, dict)
            else login
            for registry, login in logins.items()
        }
    return kept


def _without_nulls(value: Any) -> Any:
    return (
        {key: each for key, each in value.items() if each is not None} if isinstance(value, dict) else value
    )


def proxies(host: str) -> dict[str, str]:
    """The build arguments that the configuration gives every build on the engine at ``host``: its proxies, in
    both cases, as the official client passes them (``ParseProxyConfig`` of github.com/docker/cli)."""
    by_host = configured().get("proxies") or {}
    given = by_host.get(host, by_host.get("default", {}))
    names = {name: given[key] for key, name in _PROXIES.items() if given.get(key)}
    return {spelled: value for name, value in names.items() for spelled in (name, name.lower())}


def read_small(path: str) -> bytes:
    """The content of a configuration file. Raises ConfigError for one that is none by its kind or size, or
    that can't be read."""
    try:
        # Non-blocking: opening a pipe that nobody writes to would wait for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise _wrong(path, "not a file")
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _wrong(path, f"can't be read: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise _wrong(path, f"larger than {_MOST_BYTES >> 20} MiB")
    return data


def parse_json(path: str, data: bytes) -> Any:
    """``data``, which is what ``path`` holds, as JSON. Raises ConfigError with the line."""
    try:
        with nested_input():
            return json.loads(data.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise _wrong(f"{path}:{error.lineno}", f"not JSON: {error.msg}") from error
    except ValueError as error:
        raise _wrong(path, "not JSON") from error


def _wrong(where: str, what: str) -> ConfigError:
    return ConfigError(what, where=where, hint=_HINT)


def _is_string(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_strings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_proxies(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_strings, value.values()))


def _is_logins(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and all(
            isinstance(login, dict) and all(_is_string(login.get(key)) for key in ("auth", "identitytoken"))
            for login in value.values()
        )
    )


#: What the SDK and we read of it, and what that must be. Where the SDK can't do with null, that is none.
_SHAPES: dict[str, tuple[Callable[[object], bool], str]] = {
    "aliases": (_is_strings, "an object of strings"),
    "auths": (_is_logins, "an object of logins by registry"),
    "credsStore": (_is_string, "a string"),
    "credHelpers": (_is_strings, "an object of strings by registry"),
    "currentContext": (_is_string, "a string"),
    "HttpHeaders": (_is_strings, "an object of strings"),
    "proxies": (_is_proxies, "an object of objects of strings"),
}
