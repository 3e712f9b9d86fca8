"""Turning what goes wrong between us and an engine into our own errors.

The SDK lets through whatever the layers below it raise: requests, urllib3, http.client, json. A caller of
ctxsize sees only EngineError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

import requests.exceptions
import urllib3.exceptions
from docker.errors import DockerException

from ctxsize.engine.buildkit.errors import BuildKitError
from ctxsize.engine.buildkit.errors import reason as reason
from ctxsize.errors import EngineError, full_disk_hint

#: What the SDK and the session raise when the engine is gone, goes away, or refuses.
TROUBLE = (
    BuildKitError,
    DockerException,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    ConnectionError,
    TimeoutError,
)
#: What reading an answer raises that is not what was asked for.
NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


@contextmanager
def engine_trouble() -> Iterator[None]:
    """Raise EngineError for everything in TROUBLE."""
    try:
        yield
    except TROUBLE as error:
        raise engine_error(error) from error


def engine_error(error: Exception) -> EngineError:
    """``error``, one of TROUBLE, as a user should see it."""
    if isinstance(error, BuildKitError):
        return EngineError(str(error), hint="is the engine still running, and reachable?")
    if isinstance(error, DockerException):
        why = reason(error)
        return EngineError(f"the engine did not do what it was asked: {why}", hint=full_disk_hint(why))
    return EngineError(
        f"the connection to the engine broke: {reason(error)}", hint="is it still running, and reachable?"
    )


@contextmanager
def sensible(what: str) -> Iterator[None]:
    """Raise EngineError when the engine's answer about ``what`` lacks something it must have.

    Wrap only the reading of the answer: an error of our own code would be blamed on the engine.
    """
    try:
        yield
    except NONSENSE as error:
        raise EngineError(
            f"the engine's answer about {what} makes no sense: {reason(error)}",
            hint="what is between you and the engine: a proxy?",
        ) from error
