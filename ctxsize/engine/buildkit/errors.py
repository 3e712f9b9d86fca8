"""What can go wrong in a session build. One line each; the caller adds hints and exit codes."""

from __future__ import annotations

import http.client
import json

import urllib3.exceptions
from docker.errors import APIError

#: Characters of what an engine says that are shown.
_MOST_SHOWN = 2000
_BROKEN_OFF = (
    http.client.IncompleteRead,
    urllib3.exceptions.IncompleteRead,
    urllib3.exceptions.InvalidChunkLength,
)


class BuildKitError(Exception):
    """Base of every error this package raises on purpose."""


class RequestError(BuildKitError):
    """What was asked for makes no sense or names something that is not there (a secret's file, an agent)."""


class SessionUnavailable(BuildKitError):
    """The engine does not offer a session (no BuildKit, or a proxy in between drops the upgrade)."""


class ConnectionLost(BuildKitError):
    """The engine went away, or was silent for longer than a named time-out."""


class ServeError(BuildKitError):
    """A served directory could not be read. ``path`` is relative to it, or empty for the directory, which was
    served as ``directory``."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.directory = ""


class SolveError(BuildKitError):
    """BuildKit refused or failed the build.

    ``step`` is the name of the vertex that failed, or None; ``log`` the last lines it wrote.
    """

    def __init__(self, message: str, *, step: str | None = None, log: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.step = step
        self.log = log


class LoginRefused(SolveError):
    """A registry refused the login stored in the Docker configuration."""


def reason(error: BaseException) -> str:
    """Why a call to the engine failed, in one line: the engine's own words if there are any, else the
    innermost cause (requests wraps a refused connection four times)."""
    chain = [error]
    while (inner := chain[-1].__cause__ or _context_of(chain[-1])) is not None:
        chain.append(inner)
    said = next((each.explanation for each in chain if isinstance(each, APIError) and each.explanation), None)
    if said:
        return shown(str(said))
    if any(isinstance(each, _BROKEN_OFF) for each in chain):
        return "its answer broke off"
    if any(isinstance(each, json.JSONDecodeError) for each in chain):
        return "its answer is not JSON"
    cause = chain[-1]
    if isinstance(cause, KeyError):
        return f"its answer lacks {cause}"
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return shown(text) or type(cause).__name__


def _context_of(error: BaseException) -> BaseException | None:
    return None if error.__suppress_context__ else error.__context__


def shown(text: str) -> str:
    """``text`` in one line, and no more of it than somebody reads."""
    line = " ".join(text[: 4 * _MOST_SHOWN].split())
    return line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}…"
