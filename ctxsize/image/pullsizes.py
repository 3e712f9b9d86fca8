"""Compressed sizes of layers measured before, so that a base image is compressed once and not every run.

Layers are named by their content, so an entry never goes stale. The file lies in the user's cache
directory and may be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ctxsize.files import numbers
from ctxsize.files.own import cache_folder


def load(path: Path | None = None) -> dict[str, int]:
    """What is known: layer name → compressed bytes. Nothing when the file is missing or damaged."""
    return numbers.load(path or _default_path())


def remember(sizes: Mapping[str, int], path: Path | None = None) -> None:
    """Add ``sizes`` to what is known; a cache that can't be written is no error."""
    numbers.remember(sizes, path or _default_path())


def _default_path() -> Path:
    """``$XDG_CACHE_HOME/ctxsize/pull-bytes-zlib-ng.json``, if that can be written and lies outside what is
    measured. Another compressor has other sizes, so the file is named after it."""
    return cache_folder().path / "pull-bytes-zlib-ng.json"
