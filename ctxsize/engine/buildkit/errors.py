"""What can go wrong in a session build. One line each; the caller adds hints and exit codes."""

from __future__ import annotations


class BuildKitError(Exception):
    """Base of every error this package raises on purpose."""


class RequestError(BuildKitError):
    """What was asked for makes no sense or names something that is not there (a secret's file, an agent)."""


class SessionUnavailable(BuildKitError):
    """The engine does not offer a session (no BuildKit, or a proxy in between drops the upgrade)."""


class ConnectionLost(BuildKitError):
    """The engine went away, or was silent for longer than a named time-out."""


class ContextError(BuildKitError):
    """A served directory could not be read. ``path`` is relative to it, or empty for the directory."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class SolveError(BuildKitError):
    """BuildKit refused or failed the build.

    ``step`` is the name of the vertex that failed, or None; ``log`` the last lines it wrote.
    """

    def __init__(self, message: str, *, step: str | None = None, log: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.step = step
        self.log = log


class LoginRefused(SolveError):
    """A registry refused the login stored in the Docker configuration. ``host`` is the registry's."""

    def __init__(self, message: str, *, host: str, step: str | None = None) -> None:
        super().__init__(message, step=step)
        self.host = host
