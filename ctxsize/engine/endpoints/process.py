"""A program whose standard streams are a connection to BuildKit: kubectl, ssh."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from ctxsize.errors import EngineError
from ctxsize.text import printable

#: An open connection, as a Dial gives it.
Connection = tuple[socket.socket, bytes]

#: BuildKit speaks first. What has said nothing after this time may still do so.
ANSWER_SECONDS = 30.0
#: How long a program may take to tell something, and how much that may be.
ASK_SECONDS = 60.0
_MOST_ANSWERED = 16 << 20
_BLOCK = 64 * 1024
_MOST_SAID = 4096
#: Where a frame of HTTP/2 says what it is, and what the first one is.
_TYPE = 3
_SETTINGS = b"\x04"
_running: set[subprocess.Popen[bytes]] = set()


def run(command: Sequence[str], what: str, environment: Mapping[str, str] | None = None) -> Connection:
    """Start ``command`` and be connected through it to ``what``. Raises EngineError when that is not on PATH,
    or ends without having said anything."""
    program = on_path(command[0], what)
    near, far = socket.socketpair()
    with far:
        try:
            process = _started([program, *command[1:]], environment, stdin=far.fileno(), stdout=far.fileno())
        except EngineError:
            near.close()
            raise
    said: list[bytes] = []
    assert process.stderr is not None
    listener = threading.Thread(target=_listen, args=(process, process.stderr, said), daemon=True)
    listener.start()

    def why() -> str:
        listener.join(ANSWER_SECONDS)
        return b"".join(said).decode("utf-8", "replace")

    try:
        return answered(near, what, why)
    except EngineError:
        _stop(process)
        raise


def ask(command: Sequence[str], what: str, environment: Mapping[str, str] | None = None) -> bytes:
    """What ``command`` writes to its standard output. Raises EngineError when it is not on PATH, fails, does
    not end in time, or says too much; nothing that it started goes on then."""
    program = on_path(command[0], what)
    process = _started([program, *command[1:]], environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    output, said = process.stdout, list[bytes]()
    answer: list[bytes] = []
    reader = threading.Thread(target=lambda: answer.append(output.read(_MOST_ANSWERED + 1)), daemon=True)
    listener = threading.Thread(target=_listen, args=(process, process.stderr, said), daemon=True)
    reader.start()
    listener.start()
    try:
        reader.join(ASK_SECONDS)
        if not answer:
            raise EngineError(f"{command[0]} does not answer within {ASK_SECONDS:.0f} seconds")
        if len(answer[0]) > _MOST_ANSWERED:
            raise EngineError(f"{command[0]} answers with more than {_MOST_ANSWERED >> 20} MiB")
        listener.join(ASK_SECONDS)
        if code := process.poll():
            why = last_line(b"".join(said).decode("utf-8", "replace")) or f"exit code {code}"
            raise EngineError(f"{command[0]} does not tell of {what}: {why}")
    except BaseException:
        _stop(process)
        raise
    return answer[0]


def _started(
    command: Sequence[str], environment: Mapping[str, str] | None, *, stdin: int, stdout: int
) -> subprocess.Popen[bytes]:
    """A program that is ended when ours is. In a session of its own: Ctrl-C is for us, and cleaning up needs
    the connection. Raises EngineError."""
    try:
        process = subprocess.Popen(  # noqa: S603  # the user's own builder needs it
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(
            f"{command[0]} can't be run: {error.strerror}", hint="is it a program for this machine?"
        ) from error
    _running.add(process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started (a login for a cluster, a pipe of a script)."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGTERM)


def on_path(program: str, what: str) -> str:
    """Where ``program`` is, through which ``what`` is reached. Raises EngineError when it is nowhere."""
    found = shutil.which(program)
    if found is None:
        raise EngineError(f"{what} is reached with {program}, which is not on PATH")
    return found


def answered(near: socket.socket, what: str, why: Callable[[], str]) -> Connection:
    """``near`` when something has arrived on it. Raises EngineError when that is not HTTP/2, or it is closed
    first, with the last line of what ``why`` says, or of what arrived."""
    # Not select(), which knows no more than 1,024 open files.
    poll = select.poll()
    poll.register(near, select.POLLIN)
    early = b""
    if poll.poll(ANSWER_SECONDS * 1000):
        with contextlib.suppress(ConnectionError):
            early = near.recv(_BLOCK)
        if not early or early[_TYPE : _TYPE + 1] not in (b"", _SETTINGS):
            near.close()
            said = last_line(why() + early.decode("utf-8", "replace"))
            raise EngineError(f"{what} gives no connection: {said or 'it ended at once'}")
    near.setblocking(False)
    return near, early


def last_line(said: str) -> str:
    """The last line of what a program said, fit to be shown."""
    lines = [line for line in map(str.strip, said.splitlines()) if line]
    return printable(lines[-1][:300]) if lines else ""


def _listen(process: subprocess.Popen[bytes], stream: IO[bytes], said: list[bytes]) -> None:
    size = 0
    with stream:
        while piece := stream.read1(_BLOCK):  # type: ignore[attr-defined]
            if size < _MOST_SAID:
                said.append(piece[:_MOST_SAID])
                size += len(piece)
    process.wait()
    _running.discard(process)


@atexit.register
def _end() -> None:
    """End what has not ended by itself when its standard input did."""
    for process in list(_running):
        _stop(process)
