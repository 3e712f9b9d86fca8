"""Builds whose context is a tar in the request's body: the classic builder's."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError

from ctxsize.engine.buildkit.limits.answers import Reader, follow
from ctxsize.engine.errors import TROUBLE, reason
from ctxsize.engine.marks import RUN_LABEL
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed, EngineError

_Item = TypeVar("_Item")

#: How many lines of a failed build's output an error carries.
LOG_LINES = 20
#: A silent engine is asked for a sign of life this often, and given up after that long without one.
PING_SECONDS = 10.0
SILENCE_SECONDS = 60.0
_MOMENT_SECONDS = 0.2
_GIVE_UP_SECONDS = 5.0


class Stopwatch:
    """Adds up the ``seconds`` that an iterator takes to come up with its items."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """The items, timed."""
        iterator = iter(items)
        while True:
            asked = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - asked
            yield item


def post_tar(
    api: docker.APIClient,
    body: Iterable[bytes],
    dockerfile: str,
    options: BuildOptions,
    *,
    run: str,
    last_words: Callable[[dict[str, Any] | None], bool] | None = None,
    **more: Any,
) -> Generator[dict[str, Any], None, None]:
    """Send ``body`` to be built and yield what the engine says; ``dockerfile`` is its path in the tar.

    Sending and reading are done in a thread, so that an engine that says nothing can't hold us: a step may
    be silent for hours, but an engine that does not answer a ping either is gone. Close the generator when
    the build is given up: the engine then ends it. When the user interrupts, ``last_words`` is still told
    what comes (None: nothing for a moment), for a few seconds at most, until it says that it has heard
    enough. Raises EngineError, BuildFailed for a build that the engine refuses, and what ``body`` raises.
    """
    answer = _Answer(api)

    def post() -> Iterator[dict[str, Any]]:
        events: Iterator[dict[str, Any]] = api.build(
            fileobj=answer.until_given_up(body),
            custom_context=True,
            dockerfile=dockerfile,
            decode=True,
            pull=options.pull,
            nocache=options.no_cache,
            buildargs=dict(options.build_args),
            labels={**options.labels, RUN_LABEL: run},
            target=options.target or "",
            platform=options.platform,
            network_mode=options.network,
            use_config_proxy=False,  # they are among the options
            **more,
        )
        return events

    try:
        yield from answer.events(post)
    except APIError as error:
        # What is wrong with the Dockerfile as a whole is no event but the answer's status.
        raise BuildFailed(reason(error)) from error
    except KeyboardInterrupt:
        if last_words is not None:
            answer.hear_out(last_words)
        raise
    finally:
        answer.give_up()


class _Answer:
    """The engine's answer to a build, read in a thread of its own."""

    def __init__(self, api: docker.APIClient) -> None:
        self._api = api
        self._reader = Reader[dict[str, Any]]("ctxsize-build")
        self._given_up = threading.Event()
        self._heard = time.monotonic()

    def events(self, post: Callable[[], Iterator[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        """What ``post``, called in the thread, comes up with."""
        self._api.hooks["response"].append(self._keep)
        self._reader.start(post)
        for event in follow(self._reader.events, self._check):
            self._heard = time.monotonic()
            yield event

    def hear_out(self, last_words: Callable[[dict[str, Any] | None], bool]) -> None:
        """Tell ``last_words`` what still comes, until it has enough."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        enough = last_words(None)
        while not enough and time.monotonic() < deadline:
            try:
                event = self._reader.events.get(timeout=_MOMENT_SECONDS)
            except queue.Empty:
                event = None
            else:
                if event is None or isinstance(event, BaseException):
                    return
            enough = last_words(event)

    def until_given_up(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """``body``, cut short when the build is given up."""
        for part in body:
            if self._given_up.is_set():
                raise EngineError("the build was given up")
            yield part

    def give_up(self) -> None:
        """End the connection, if it is still open; the engine gives the build up then."""
        self._given_up.set()
        if self._keep in self._api.hooks["response"]:
            self._api.hooks["response"].remove(self._keep)
        self._reader.close(_GIVE_UP_SECONDS)

    def _keep(self, response: requests.Response, *_: Any, **__: Any) -> None:
        # A client calls its hooks for every answer, a ping's too.
        if "/build?" in str(response.url):
            self._reader.response = response

    def _check(self) -> None:
        """After a silence: does the engine still answer at all?"""
        silent = time.monotonic() - self._heard
        if silent < PING_SECONDS:
            return
        try:
            self._api._get(self._api._url("/_ping", versioned_api=False), timeout=PING_SECONDS)
            self._heard = time.monotonic()
        except TROUBLE as error:
            if silent > SILENCE_SECONDS:
                raise EngineError(
                    f"nothing heard from the engine for {silent:.0f} seconds", hint="is it still running?"
                ) from error


@contextmanager
def engine_errors() -> Iterator[None]:
    """Raise EngineError for an engine that goes away."""
    try:
        yield
    except (*TROUBLE, OSError) as error:
        raise EngineError(
            f"the engine went away during the build: {reason(error)}", hint="is it still running?"
        ) from error
