"""click's runner as it has been since 8.2, also with an older click: standard error apart, and both of
them in ``output``."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any

import click.testing


def as_it_is_now() -> None:
    """Replace the runner of a click before 8.2, in which the two are either mixed or both apart."""
    old = click.testing.CliRunner
    if "mix_stderr" not in inspect.signature(old).parameters:
        return

    class Runner(old):  # type: ignore[misc, valid-type]
        def __init__(self, **settings: Any) -> None:
            super().__init__(mix_stderr=False, **settings)

        @contextlib.contextmanager
        def isolation(self, *args: Any, **settings: Any) -> Iterator[Any]:
            with super().isolation(*args, **settings) as streams:
                sys.stderr.reconfigure(write_through=True)  # type: ignore[union-attr]  # it is not flushed
                yield streams

    class Result(click.testing.Result):
        @property
        def output(self) -> str:
            return self.stdout + (self.stderr if self.stderr_bytes else "")

    click.testing.Result = Result  # type: ignore[misc]
    click.testing.CliRunner = Runner  # type: ignore[misc]
