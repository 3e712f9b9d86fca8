"""Work shared with forked processes: a scan is bound by the processor, not by the disk.

Nothing is started that outlives the call, and nothing needs to be importable or picklable but the results.
"""

from __future__ import annotations

import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

MOST_HELPERS = 7
SHARE_FROM = 3000  # entries seen before other processes are asked to help
TASKS_TO_SHARE = 48  # directories waiting, so that the shares come out even
TASK_GROUPS = 2048
_MOST_TASKS = 4096  # their numbers must fit into a pipe at once
_NUMBER = struct.Struct("=H")


def processors() -> int:
    """How many processes are worth having: the processors this process may use, and one when it has
    threads, which a fork would leave in an unknown state."""
    if threading.active_count() > 1 or not hasattr(os, "fork"):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), 1 + MOST_HELPERS)
    return min(os.cpu_count() or 1, 1 + MOST_HELPERS)


def share(
    tasks: int,
    helpers: int,
    work: Callable[[Iterator[int]], T],
    help_out: Callable[[int, Iterator[int]], T],
) -> list[T]:
    """Have the tasks 0 … ``tasks`` − 1 (at most 4,096) done by this process and ``helpers`` forks of it.

    Each draws the number of the next task when it is done with one: ``work`` in this process,
    ``help_out`` in fork number 1, 2 …. Returns the (picklable) results, ours first. An exception in any of
    them is raised here; a helper that was killed is a ChildProcessError.
    """
    if tasks > _MOST_TASKS:
        raise ValueError(f"at most {_MOST_TASKS} tasks, not {tasks}")
    numbers, feed = os.pipe()
    os.write(feed, b"".join(map(_NUMBER.pack, range(tasks))))
    os.close(feed)

    def draw() -> Iterator[int]:
        while data := os.read(numbers, _NUMBER.size):
            yield _NUMBER.unpack(data)[0]

    started: list[tuple[int, int]] = []
    try:
        for number in range(1, helpers + 1):
            answer, reply = os.pipe()
            pid = os.fork()
            if pid == 0:
                _help(reply, partial(help_out, number, draw()))
            os.close(reply)
            started.append((pid, answer))
        results = [work(draw())]
        while started:
            pid, answer = started[-1]
            with open(answer, "rb", closefd=False) as stream:
                data = stream.read()
            _end(*started.pop())
            results.append(_result(data))
        return results
    finally:
        os.close(numbers)
        for pid, answer in started:
            os.kill(pid, signal.SIGKILL)
            _end(pid, answer)


def _help(reply: int, work: Callable[[], object]) -> None:
    """A fork's life: it never returns to the caller's code, nor runs its clean-up."""
    import pickle  # not needed for a scan that nobody shares

    status = 1
    try:
        try:
            data = pickle.dumps((work(), None))
        except Exception as error:
            data = pickle.dumps((None, error))
        with open(reply, "wb") as stream:
            stream.write(data)
        status = 0
    finally:
        os._exit(status)


def _end(pid: int, answer: int) -> None:
    os.close(answer)
    os.waitpid(pid, 0)


def _result(data: bytes) -> Any:
    import pickle

    if not data:
        raise ChildProcessError("a helper process ended early")
    result, error = pickle.loads(data)  # noqa: S301 - a fork of this very process wrote it, on a pipe
    if error is not None:
        raise error
    return result
