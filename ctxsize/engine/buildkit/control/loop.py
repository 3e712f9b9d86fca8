"""An event loop in a thread of its own. Other threads hand calls over, and wait for them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError
from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from ctxsize.engine.buildkit.errors import BuildKitError, ConnectionLost, reason

CLOSE_TIMEOUT = 5.0
"""Seconds that calls have to end when they are cancelled, and the loop when it is closed."""
#: AttributeError: grpclib takes its connection apart when that ends, be it in the middle of a call.
_BROKEN = (TimeoutError, ProtocolError, DecodeError, AttributeError, OSError)
_Result = TypeVar("_Result")


class Refused(BuildKitError):
    """What BuildKit says instead of doing it."""

    def __init__(self, message: str, status: Status = Status.UNKNOWN) -> None:
        super().__init__(message)
        self.status = status


class Loop:
    """The loop; its thread, called ``name``, runs from the first call on until it is closed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def begin(self, work: Coroutine[Any, Any, _Result]) -> Call[_Result]:
        """Have ``work`` done in the loop."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # What breaks on a connection itself ends its calls, and is told as that: not as a traceback.
                self._loop.set_exception_handler(lambda _loop, _context: None)
                self._thread = threading.Thread(target=_run, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return Call(self._loop, work)

    def close(self) -> None:
        """End all calls and the thread."""
        with self._lock:
            if self._loop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(CLOSE_TIMEOUT)
                self._loop = self._thread = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:  # ends what is left in it
        runner.get_loop().run_forever()


class Call(Generic[_Result]):
    """A call at work in the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _Result]) -> None:
        self._loop = loop
        self._ended = threading.Event()
        self._task: asyncio.Task[_Result] | None = None
        loop.call_soon_threadsafe(self._start, work)

    def _start(self, work: Coroutine[Any, Any, _Result]) -> None:
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(lambda _task: self._ended.set())

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return self._ended.is_set()

    def result(self, seconds: float | None = None) -> _Result:
        """What it returns, within so many ``seconds``; when waiting for it is interrupted, it ends. Raises
        Refused for what BuildKit says instead, ConnectionLost when the connection breaks or there is no
        answer, and whatever else the work raises."""
        try:
            if not self._ended.wait(seconds):
                raise ConnectionLost(f"BuildKit did not answer within {seconds:g} seconds")
            assert self._task is not None
            return self._task.result()
        except GRPCError as error:
            raise Refused(error.message or error.status.name, error.status) from error
        except asyncio.CancelledError as error:
            raise ConnectionLost("the connection to BuildKit was closed") from error
        except StreamTerminatedError as error:
            raise ConnectionLost(f"the connection to BuildKit broke: {error}") from error
        except _BROKEN as error:
            raise ConnectionLost(f"the connection to BuildKit broke: {reason(error)}") from error
        finally:
            self.stop()

    def stop(self) -> None:
        """End it, and wait until it has."""
        if not self._ended.is_set():
            with contextlib.suppress(RuntimeError):  # the loop has ended, and all calls with it
                self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
            self._ended.wait(CLOSE_TIMEOUT)
