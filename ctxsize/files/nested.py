"""Text that a stranger may have nested a hundred thousand levels deep."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class TooDeep(ValueError):
    """Nested more deeply than Python can follow."""


@contextmanager
def nested_input() -> Iterator[None]:
    """Wrap what goes a level deeper for each level of its input: a parser of JSON, TOML or YAML.

    Raises TooDeep in place of RecursionError. No garbage is collected meanwhile: a finalizer that runs where
    the stack is nearly full fails, too, and Python prints its traceback.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    except RecursionError as error:
        raise TooDeep("nested too deeply") from error
    finally:
        if collecting:
            gc.enable()
