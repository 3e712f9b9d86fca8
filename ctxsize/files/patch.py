"""Changing a file of a project: shown as a patch, and written into the project only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ctxsize.errors import UsageError
from ctxsize.files.repository import is_beneath
from ctxsize.files.write import replacing


def difference(file: str, before: bytes, after: bytes) -> str:
    """A unified diff of a file, as ``patch`` and people read it."""
    import difflib  # slow to import, and only --diff and --fix need it

    old, new = (_texts(data) for data in (before, after))
    lines = difflib.unified_diff(old, new, file, file, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def place_within(root: Path, path: Path) -> Path:
    """Where a file really is. Raises UsageError when a link leads out of ``root``."""
    if not is_beneath(root, path):
        raise UsageError("this leads out of the project, and is not changed", where=str(path))
    return Path(os.path.realpath(path))


def replace_within(root: Path, path: Path, data: bytes) -> None:
    """Make ``data`` the content of a file, whole or not at all. Raises UsageError when it can't be written,
    or a link leads out of ``root``."""
    place = place_within(root, path)
    try:
        with replacing(place) as stream:
            stream.write(data)
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=str(place)) from error


def _texts(data: bytes) -> Sequence[str]:
    text = data.decode("utf-8", "surrogateescape")
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n") if text else []
