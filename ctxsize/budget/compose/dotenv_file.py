"""``.env`` files, as Compose reads them: python-dotenv finds the values, their variables are replaced here.

The library's own replacing copies the environment for every line, searches a line in quadratic time, and lets
a kilobyte of ``B=${A}${A}`` fill the memory.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

from ctxsize.budget.compose.interpolate import LONGEST
from ctxsize.errors import ConfigError, UsageError
from ctxsize.files.repository import MOST_CONFIGURATION, read_file

_MOST_CHARACTERS = 1 << 20


def read_dotenv(root: Path, path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables a file below ``root`` sets. Those in its values are what ``environ`` says, else what it
    set above.

    Raises UsageError when it can't be read or the library is missing, ConfigError for values too long.
    """
    shown = os.path.relpath(path)
    try:
        from dotenv import dotenv_values
    except ImportError as error:
        raise UsageError(
            "python-dotenv is needed to read a Compose file",
            where=str(path.parent),
            hint="pip install 'ctxsize[compose]'",
        ) from error
    try:
        text = read_file(root, os.path.abspath(path), MOST_CONFIGURATION).decode("utf-8")
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=shown) from error
    except ValueError as error:  # its text would show a part of the file
        raise UsageError("can't be read: it is not UTF-8", where=shown) from error
    found: dict[str, str] = {}
    room = _MOST_CHARACTERS
    for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items():
        if value is not None:
            found[name] = _replaced(value, environ, found, shown)
            room -= len(found[name])
            if room < 0:
                raise ConfigError(f"values of more than {_MOST_CHARACTERS} characters in all", where=shown)
    return found


def _replaced(text: str, environ: Mapping[str, str], before: Mapping[str, str], where: str) -> str:
    """``text`` with each ``${NAME}`` and ``${NAME:-default}`` replaced; what is neither stays."""
    done: list[str] = []
    position = length = 0
    end = colon = -1
    while (start := text.find("${", position)) >= 0:
        # What was found is looked for again only once it is behind us: else this would take quadratic time.
        end = end if end >= start else text.find("}", start)
        if end < 0:
            break
        if colon < start + 2:
            colon = text.find(":", start)
            colon = colon if colon >= 0 else len(text)
        if colon > end or text.startswith(":-", colon):
            name = text[start + 2 : min(colon, end)]
            default = text[colon + 2 : end] if colon < end else ""
            value = environ.get(name, before.get(name, default))
            following = end + 1
        else:
            value, following = "${", start + 2
        done += [text[position:start], value]
        length += start - position + len(value)
        if length > LONGEST:
            raise ConfigError(f"a value of more than {LONGEST} characters", where=where)
        position = following
    return "".join([*done, text[position:]])
