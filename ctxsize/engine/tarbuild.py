"""Builds whose context is a tar in the request's body: the classic builder's, and BuildKit's upload mode."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import docker
import requests.exceptions
from docker.errors import DockerException

from ctxsize.engine.build import RUN_LABEL, BuildOptions
from ctxsize.errors import EngineError

_Item = TypeVar("_Item")

#: How many lines of a failed build's output an error carries.
LOG_LINES = 20


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
    build_args: Mapping[str, str | None],
    **more: Any,
) -> Iterator[dict[str, Any]]:
    """Send ``body`` to be built and yield what the engine says; ``dockerfile`` is its path in the tar."""
    events: Iterator[dict[str, Any]] = api.build(
        fileobj=body,
        custom_context=True,
        dockerfile=dockerfile,
        decode=True,
        pull=options.pull,
        nocache=options.no_cache,
        buildargs=dict(build_args),
        labels={**options.labels, RUN_LABEL: run},
        target=options.target or "",
        platform=options.platform,
        network_mode=options.network,
        **more,
    )
    return events


@contextmanager
def engine_errors(api: docker.APIClient) -> Iterator[None]:
    """Raise EngineError for an engine that goes away, and have it give the build up on Ctrl-C."""
    try:
        yield
    except (requests.exceptions.RequestException, DockerException, OSError) as error:
        raise EngineError(
            f"the engine went away during the build: {error}", hint="is it still running?"
        ) from error
    except KeyboardInterrupt:
        api.close()  # the engine gives a build up when the connection ends
        raise
