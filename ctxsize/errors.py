"""Every error ctxsize raises on purpose, each with the exit code it ends the program with.

The exit codes are part of the output contract (see docs/exit-codes.md) and never change meaning.
"""

from __future__ import annotations

#: What the engine's system says of a full disk (Go's text of ENOSPC, in every locale).
_FULL = "no space left on device"


def full_disk_hint(*said: str) -> str | None:
    """What to do when the engine ``said`` that a disk of its machine is full; None when it did not."""
    if not any(_FULL in line.lower() for line in said):
        return None
    return "the engine's disk is full: make room there (`docker system df` shows what fills it) and run again"


class CtxsizeError(Exception):
    """Something the user can do something about: one line saying what, where, and what to do next.

    ``message`` is that line without the hint; ``hint`` is the next step, or None; ``where`` is a
    ``file:line`` (or a path) the message is about, or None.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class UsageError(CtxsizeError):
    """Wrong usage: a path that is not there, options that contradict each other."""


class ConfigError(CtxsizeError):
    """The configuration of ``ctxsize check``, or a baseline, is not what it should be; ``where`` has file and
    line, or the option or environment variable."""


class IgnoreFileError(CtxsizeError):
    """The ignore file can't be read as Docker would read it; ``where`` has file and line."""


class DockerfileError(CtxsizeError):
    """The Dockerfile can't be parsed; ``where`` has file and line. The exit code is that of a build that
    failed, whoever finds the fault first: we or the builder."""

    exit_code = 3


class BuildFailed(CtxsizeError):
    """A build failed; ``log`` is the end of the builder's output, ``step`` the step that failed. Where these
    tell of a full disk, so does the hint."""

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        step: str | None = None,
        log: tuple[str, ...] = (),
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint or full_disk_hint(message, *log))
        self.step = step
        self.log = log

    @property
    def told(self) -> str:
        """What failed, in one line: the end of the builder's output, where the message only has a code."""
        text = " ".join(self.message.split())
        last = next((line.strip() for line in reversed(self.log) if line.strip()), "")
        return last if last and "exit code" in text else text


class VerifyFailed(CtxsizeError):
    """An image was built and does not do what it has to; ``log`` is the end of what the command wrote.

    That is a finding of the measurement and no failed build, hence the exit code.
    """

    exit_code = 1

    def __init__(self, message: str, *, log: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.log = log


class EngineError(CtxsizeError):
    """There is no usable engine, or it went away."""

    exit_code = 4


class Interrupted(CtxsizeError):
    """The user pressed Ctrl-C, or the process was told to end."""

    exit_code = 130
