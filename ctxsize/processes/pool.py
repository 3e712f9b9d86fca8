"""Several processes that work on items: which is next, how far they are, and how all of them end.

Processes, not threads: each has connections, a journal and an interruption of its own, and all processors are
used. Ctrl-C ends all: it is handed on to each, which removes what it made, and waited for.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from ctxsize.errors import CtxsizeError
from ctxsize.processes.worker import Job
from ctxsize.progress import Progress, Silent, Terminal

_COMMAND = "from ctxsize.processes.worker import main; main()"


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    #: The number of the item it works on.
    item: int | None = None
    phase: str = ""
    #: It takes no more items, as it is about to end; and that it has.
    ending: bool = False
    ended: bool = False


@dataclass(slots=True)
class _State:
    """What has come of the items so far."""

    names: Sequence[str]
    results: dict[int, Any] = field(default_factory=dict)
    lost: dict[int, CtxsizeError] = field(default_factory=dict)


class Pool:
    """Up to ``size`` processes that do ``work`` (see Job) with the same ``argument``, as a context manager.

    ``left`` has, once they have ended, what they left to know. Each process is told its number, from 0.
    """

    def __init__(self, work: str, argument: Any, size: int, progress: Progress) -> None:
        self._job = (work, argument)
        self._size = size
        self._progress = progress
        self._workers: list[_Worker] = []
        self._said: queue.SimpleQueue[tuple[_Worker, str, Any]] = queue.SimpleQueue()
        self._shown = ("", "")
        self.left: list[Any] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        interrupted = isinstance(error, KeyboardInterrupt)
        while True:
            try:
                self._end(stop=error is not None)
                break
            except KeyboardInterrupt:  # once more: they leave the rest to the next run
                interrupted = True
                self._signal()
        if interrupted and error is None:
            raise KeyboardInterrupt

    def map(
        self,
        items: Sequence[Any],
        names: Sequence[str],
        lost: Callable[[Any, CtxsizeError], Any],
    ) -> list[Any]:
        """What the work makes of each item, in their order. ``names`` are shown while they are worked on.
        ``lost`` makes a result of an item and the error that ended its process."""
        state = _State(names)
        waiting = list(range(len(items)))[::-1]
        while len(state.results) + len(state.lost) < len(items):
            while waiting and len(self._workers) < self._size:
                self._start()
                self._give(self._workers[-1], waiting.pop(), items)
            self._show(state)
            worker, kind, value = self._said.get()
            self._take(worker, kind, value, state)
            if worker.item is None and not worker.ending and waiting:
                self._give(worker, waiting.pop(), items)
            if not waiting and all(each.ended for each in self._workers):
                break
            if worker.ended and waiting:
                self._workers.remove(worker)
        self._show(state)
        return [
            state.results[number] if number in state.results else lost(item, state.lost[number])
            for number, item in enumerate(items)
        ]

    def _start(self) -> None:
        work, argument = self._job
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-X", "utf8", "-c", _COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        worker = _Worker(process)
        logs = not isinstance(self._progress, Silent | Terminal)
        self._send(worker, Job(work, argument, len(self._workers), logs))
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=[worker], daemon=True).start()

    def _give(self, worker: _Worker, number: int, items: Sequence[Any]) -> None:
        worker.item, worker.phase = number, ""
        self._send(worker, ("item", items[number]))

    @staticmethod
    def _send(worker: _Worker, message: Any) -> None:
        assert worker.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and says so
            pickle.dump(message, worker.process.stdin)
            worker.process.stdin.flush()

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                kind, value = pickle.load(worker.process.stdout)  # noqa: S301
                self._said.put((worker, kind, value))
        self._said.put((worker, "ended", worker.process.wait()))

    def _take(self, worker: _Worker, kind: str, value: Any, state: _State | None) -> None:
        """Take in what a process said."""
        name = "" if state is None or worker.item is None else state.names[worker.item]
        if kind == "phase":
            worker.phase = value
        elif kind == "note":
            self._progress.note(f"{name}: {value}")
        elif kind == "log":
            self._progress.log(f"{name}: {value}")
        elif kind == "left":
            self.left += value
        elif kind == "broken":
            raise RuntimeError(f"a process that measured {name} broke:\n{value}")
        elif state is not None and worker.item is not None:
            if kind == "result":
                state.results[worker.item], worker.item = value, None
            elif kind in ("error", "ended"):
                error = value if kind == "error" else _gone(value)
                state.lost[worker.item], worker.item = error, None
        worker.ending = worker.ending or kind in ("error", "ended", "interrupted")
        worker.ended = worker.ended or kind == "ended"

    def _show(self, state: _State) -> None:
        done = len(state.results) + len(state.lost)
        doing = [
            f"{state.names[each.item]}: {each.phase}" if each.phase else state.names[each.item]
            for each in self._workers
            if each.item is not None
        ]
        title, step = f"{done} of {len(state.names)} done", "; ".join(doing)
        if self._shown[0] != title:
            self._progress.phase(title)
        if step and self._shown != (title, step):
            self._progress.step(step)
        self._shown = (title, step)

    def _end(self, *, stop: bool) -> None:
        """Have all processes end, and wait for them."""
        if any(not each.ended for each in self._workers):
            self._progress.phase("clean up")
        if stop:
            self._signal()
        for worker in self._workers:
            self._send(worker, ("end", None))
        while any(not each.ended for each in self._workers):
            worker, kind, value = self._said.get()
            if kind == "broken" and stop:
                continue
            self._take(worker, kind, value, None)
        for worker in self._workers:
            for stream in (worker.process.stdin, worker.process.stdout):
                with contextlib.suppress(OSError):
                    if stream is not None:
                        stream.close()
        self._workers.clear()

    def _signal(self) -> None:
        for worker in self._workers:
            if not worker.ended:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.process.pid, signal.SIGINT)


def _gone(code: int) -> CtxsizeError:
    reason = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return CtxsizeError(
        f"the process that measured it ended {reason}", hint="is there enough memory? --jobs takes fewer"
    )
