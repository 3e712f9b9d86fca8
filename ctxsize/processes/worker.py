"""The process that does the work: it gets items on standard input and answers on standard output.

Everything on these pipes is pickled by our own other half (``pool``), which started this process.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO

from ctxsize.errors import CtxsizeError
from ctxsize.progress import Progress

#: Seconds between two messages about how far a step is.
_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is started for. ``work`` names (``module:function``) what makes its context manager of
    ``argument``, a Progress and ``turn``, the number of the worker; that gives a function of an item, and may
    have a list ``left`` of what to know when it is over. ``logs``: the builder's output is wanted."""

    work: str
    argument: Any
    turn: int
    logs: bool


Work = Callable[[Any, Progress, int], AbstractContextManager[Callable[[Any], Any]]]


def main() -> None:
    """Work until standard input says that it is over, or ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whoever prints something must not print it between the answers
    # Ctrl-C is for the other half, which hands it on; and what ends a program is an interruption here.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)
    try:
        _serve(sys.stdin.buffer, _Answers(answers))
        code = 0
    except (KeyboardInterrupt, BrokenPipeError):
        code = 130
    sys.stderr.flush()
    os._exit(code)  # the thread that reads standard input has no other end


def _serve(asked: BinaryIO, answers: _Answers) -> None:
    job: Job = pickle.load(asked)  # noqa: S301
    items: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(asked, items), daemon=True).start()
    module, _, name = job.work.partition(":")
    work: Work = getattr(importlib.import_module(module), name)
    try:
        context = work(job.argument, _Told(answers, logs=job.logs), job.turn)
        with context as serve:
            while (item := items.get())[0] == "item":
                answers.send("result", serve(item[1]))
        answers.send("left", getattr(context, "left", []))
    except KeyboardInterrupt as error:
        answers.send("interrupted", getattr(error, "__notes__", []))
        raise
    except CtxsizeError as error:
        answers.send("error", error)
    except Exception:
        answers.send("broken", traceback.format_exc())


def _read(asked: BinaryIO, items: queue.SimpleQueue[tuple[str, Any]]) -> None:
    """Take down what is asked, also while something is worked on: when the other half is gone, stop."""
    try:
        while True:
            items.put(pickle.load(asked))  # noqa: S301
    except (EOFError, OSError, pickle.UnpicklingError):
        os.kill(os.getpid(), signal.SIGINT)


class _Answers:
    """The way back; several threads may answer."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, kind: str, value: Any) -> None:
        with self._lock:
            pickle.dump((kind, value), self._stream)
            self._stream.flush()


class _Told:
    """Hands on what a measurement is doing, but no more often than somebody can read it."""

    def __init__(self, answers: _Answers, *, logs: bool) -> None:
        self._answers = answers
        self._logs = logs
        self._last = 0.0

    def phase(self, name: str) -> None:
        self._answers.send("phase", name)

    def note(self, text: str) -> None:
        self._answers.send("note", text)

    def step(self, name: str) -> None:
        now = time.monotonic()
        if now - self._last >= _PAUSE:
            self._last = now
            self._answers.send("step", name)

    def log(self, line: str) -> None:
        if self._logs:
            self._answers.send("log", line)

    def expect(self, *, size: int | None = None, seconds: float | None = None) -> None: ...

    def sent(self, size: int) -> None: ...

    def read(self, size: int) -> None: ...

    def removed(self, what: str, count: int, of: int, size: int, total: int) -> None: ...

    def close(self) -> None: ...


if __name__ == "__main__":
    main()
