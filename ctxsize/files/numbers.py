"""Numbers that are remembered from one run to the next, in a file that may be deleted at any time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from ctxsize.files.nested import nested_input
from ctxsize.files.write import replacing

_MOST = 2000


def load(path: Path) -> dict[str, int]:
    """What is known, by name: no number below 0. Nothing when the file is missing or damaged."""
    try:
        with nested_input():
            stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(stored, dict):
        return {}
    return {str(name): number for name, number in stored.items() if isinstance(number, int) and number >= 0}


def remember(numbers: Mapping[str, int], path: Path) -> None:
    """Add to what is known; that it can't be written is no error."""
    known = {name: number for name, number in load(path).items() if name not in numbers} | dict(numbers)
    newest = dict(list(known.items())[-_MOST:])
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(json.dumps(newest).encode())
