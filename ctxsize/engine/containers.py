"""Running a command in a container of an image, to see whether the image works.

The container is removed at once, whatever happens; it carries the run's labels, so that the run finds it
after a kill. Reports import the values, so the Docker SDK is imported only where a container is run.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ctxsize.engine.marks import object_labels
from ctxsize.files.nested import nested_input
from ctxsize.units import format_seconds

if TYPE_CHECKING:
    import docker

#: Seconds a command may take unless the user says otherwise.
DEFAULT_TIMEOUT = 60.0
#: What an image without a SHELL instruction runs a command with.
_SHELL = ("/bin/sh", "-c")
#: How much of the command's output is kept.
_LINES = 20
_TAIL_BYTES = 16 << 10
#: The most that its output takes on the engine's disk.
_LOG_SIZE = "10m"
#: What the engine says when there is no such command, as the official client reads it
#: (docker/cli cli/command/container/run.go).
_NOT_FOUND = ("executable file not found", "no such file or directory")
_NOT_ALLOWED = "permission denied"
#: What Podman adds to whatever its runtime was not allowed to do.
_OCI_NOT_ALLOWED = "OCI permission denied"


@dataclass(frozen=True, slots=True)
class VerifyCommand:
    """A command that has to end with exit code 0 in a container of an image.

    ``command`` is written as after RUN in a Dockerfile: a line for the image's shell, or a JSON array of
    words that are run as they are, for images that have no shell. ``network`` lets it reach the network;
    ``timeout`` is in seconds.
    """

    command: str
    network: bool = False
    timeout: float = DEFAULT_TIMEOUT

    def words(self, shell: Sequence[str] | None) -> tuple[str, ...]:
        """What is run, where the image's own shell is ``shell`` (None: the usual one)."""
        if self.command.lstrip().startswith("["):
            try:
                with nested_input():
                    words = json.loads(self.command)
            except ValueError:
                words = None
            if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
                return tuple(words)
        return (*(shell or _SHELL), self.command)


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of a VerifyCommand in one image.

    ``exit_code`` is None when the command was stopped because its time was over (``timed_out``); 126 and 127
    when it could not be run, as in a shell. ``output_tail`` are the last lines of what it wrote.
    """

    command: str
    exit_code: int | None
    seconds: float
    output_tail: tuple[str, ...]
    timed_out: bool

    @property
    def passed(self) -> bool:
        """Whether the image works."""
        return self.exit_code == 0

    @property
    def told(self) -> str:
        """How the command ended, in one line."""
        if self.timed_out:
            return f"`{self.command}` was stopped after {format_seconds(self.seconds)}"
        return f"`{self.command}` ended with exit code {self.exit_code}"


def verify(
    api: docker.APIClient, image: str, command: VerifyCommand, *, run: str, mask: Callable[[str], str] = str
) -> Verification:
    """Run ``command`` in a new container of ``image``, with the image's user, directory and variables, in
    place of its entrypoint. ``mask`` is applied to what it wrote.

    Raises the SDK's errors when the engine does not do it.
    """
    from docker.errors import APIError

    from ctxsize.engine.errors import sensible

    with sensible("the image"):
        words = command.words([str(each) for each in api.inspect_image(image)["Config"].get("Shell") or ()])
    container = str(
        api.create_container(
            image,
            entrypoint=list(words[:1]),
            command=list(words[1:]),
            labels=object_labels(run),
            healthcheck={"test": ["NONE"]},
            host_config=api.create_host_config(
                network_mode=None if command.network else "none",
                log_config={"type": "json-file", "config": {"max-size": _LOG_SIZE}},
            ),
        )["Id"]
    )
    try:
        return _run(api, container, command, mask)
    finally:
        # What can't be removed now is removed at the end of the run.
        with contextlib.suppress(APIError):
            api.remove_container(container, force=True, v=True)


def _run(
    api: docker.APIClient, container: str, command: VerifyCommand, mask: Callable[[str], str]
) -> Verification:
    from docker.errors import APIError

    from ctxsize.engine.errors import sensible

    started = time.perf_counter()
    try:
        api.start(container)
    except APIError as error:
        code = _start_code(str(error.explanation or error))
        if code is None:
            raise
        said = (mask(" ".join(str(error.explanation or error).split())),)
        return Verification(mask(command.command), code, time.perf_counter() - started, said, timed_out=False)
    exit_code = _wait(api, container, command.timeout)
    seconds = time.perf_counter() - started
    if exit_code is None:
        with contextlib.suppress(APIError):  # it may just have ended by itself
            api.kill(container)
    # Masked before it is cut: half of a value would not be found.
    with sensible("its log"):
        text = mask(_end(api, container))[-_TAIL_BYTES:]
    tail = tuple(text.splitlines()[-_LINES:])
    return Verification(mask(command.command), exit_code, seconds, tail, timed_out=exit_code is None)


def _wait(api: docker.APIClient, container: str, timeout: float) -> int | None:
    """The exit code; None when the container still runs after ``timeout`` seconds."""
    from requests import exceptions

    from ctxsize.engine.buildkit.limits.answers import TooLate

    deadline = time.monotonic() + timeout
    try:
        return int(api.wait(container, timeout=timeout)["StatusCode"])
    except (exceptions.Timeout, exceptions.ConnectionError, TooLate):
        # requests reports a silence that lasted too long as either of them.
        if time.monotonic() < deadline:
            raise
        return None


def _end(api: docker.APIClient, container: str) -> str:
    """The end of what the command wrote."""
    return bytes(api.logs(container, stdout=True, stderr=True, tail=_LINES)).decode(errors="replace")


def _start_code(message: str) -> int | None:
    """The exit code of a command that could not be started; None when that is not the command's fault."""
    if any(sign in message for sign in _NOT_FOUND):
        return 127
    return 126 if _NOT_ALLOWED in message.replace(_OCI_NOT_ALLOWED, "") else None
