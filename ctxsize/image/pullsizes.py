"""Compressed sizes of layers measured before, so that a base image is compressed once and not every run.

Layers are named by their content, so an entry never goes stale. The file lies in the user's cache
directory and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from ctxsize.files.nested import nested_input
from ctxsize.files.own import cache_folder
from ctxsize.files.write import replacing

_MOST = 2000


def load(path: Path | None = None) -> dict[str, int]:
    """What is known: layer name → compressed bytes. Nothing when the file is missing or damaged."""
    try:
        with nested_input():
            stored = json.loads((path or _default_path()).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(stored, dict):
        return {}
    return {str(name): size for name, size in stored.items() if isinstance(size, int) and size >= 0}


def remember(sizes: Mapping[str, int], path: Path | None = None) -> None:
    """Add ``sizes`` to what is known; a cache that can't be written is no error."""
    target = path or _default_path()
    known = load(target) | dict(sizes)
    newest = dict(list(known.items())[-_MOST:])
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(json.dumps(newest).encode())


def _default_path() -> Path:
    """``$XDG_CACHE_HOME/ctxsize/pull-bytes-zlib-ng.json``, if that can be written and lies outside what is
    measured. Another compressor has other sizes, so the file is named after it."""
    return cache_folder().path / "pull-bytes-zlib-ng.json"
