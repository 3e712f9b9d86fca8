"""Running a command in a container of an image, to see whether the image works.

The container is removed at once, whatever happens; it carries the run's labels, so that the run finds it
after a kill.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable

import docker
import requests.exceptions
from docker.errors import APIError

from ctxsize.engine.containers import Verification, VerifyCommand
from ctxsize.engine.marks import object_labels

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


def verify(
    api: docker.APIClient, image: str, check: VerifyCommand, *, run: str, mask: Callable[[str], str] = str
) -> Verification:
    """Run ``check`` in a new container of ``image``, with the image's user, directory and variables, in
    place of its entrypoint. ``mask`` is applied to what it wrote.

    Raises the SDK's errors when the engine does not do it.
    """
    words = check.words((api.inspect_image(image).get("Config") or {}).get("Shell"))
    container = str(
        api.create_container(
            image,
            entrypoint=list(words[:1]),
            command=list(words[1:]),
            labels=object_labels(run),
            healthcheck={"test": ["NONE"]},
            host_config=api.create_host_config(
                network_mode=None if check.network else "none",
                log_config={"type": "json-file", "config": {"max-size": _LOG_SIZE}},
            ),
        )["Id"]
    )
    try:
        return _run(api, container, check, mask)
    finally:
        # What can't be removed now, the janitor removes at the end of the run.
        with contextlib.suppress(APIError):
            api.remove_container(container, force=True, v=True)


def _run(
    api: docker.APIClient, container: str, check: VerifyCommand, mask: Callable[[str], str]
) -> Verification:
    started = time.perf_counter()
    try:
        api.start(container)
    except APIError as error:
        code = _start_code(str(error.explanation or error))
        if code is None:
            raise
        said = (mask(" ".join(str(error.explanation or error).split())),)
        return Verification(mask(check.command), code, time.perf_counter() - started, said, timed_out=False)
    exit_code = _wait(api, container, check.timeout)
    seconds = time.perf_counter() - started
    if exit_code is None:
        with contextlib.suppress(APIError):  # it may just have ended by itself
            api.kill(container)
    # Masked before it is cut: half of a value would not be found.
    text = mask(_end(api, container))[-_TAIL_BYTES:]
    tail = tuple(text.splitlines()[-_LINES:])
    return Verification(mask(check.command), exit_code, seconds, tail, timed_out=exit_code is None)


def _wait(api: docker.APIClient, container: str, timeout: float) -> int | None:
    """The exit code; None when the container still runs after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    try:
        return int(api.wait(container, timeout=timeout)["StatusCode"])
    except (requests.exceptions.Timeout, requests.exceptions.ConnectionError):
        # requests reports a silence that lasted too long as either of them.
        if time.monotonic() < deadline:
            raise
        return None


def _end(api: docker.APIClient, container: str) -> str:
    """The end of what the command wrote: at least twice as much as is kept, if there is so much."""
    kept: deque[bytes] = deque()
    size = 0
    for piece in api.logs(container, stdout=True, stderr=True, stream=True, tail=_LINES):
        kept.append(piece)
        size += len(piece)
        while size - len(kept[0]) >= 2 * _TAIL_BYTES:
            size -= len(kept.popleft())
    return b"".join(kept).decode(errors="replace")


def _start_code(message: str) -> int | None:
    """The exit code of a command that could not be started; None when that is not the command's fault."""
    if any(sign in message for sign in _NOT_FOUND):
        return 127
    return 126 if _NOT_ALLOWED in message.replace(_OCI_NOT_ALLOWED, "") else None
