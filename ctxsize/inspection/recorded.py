"""Images of which a report of ours tells: the JSON of `compare`, and that of `image`. It has figures and no
files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ctxsize.errors import ConfigError
from ctxsize.files.nested import nested_input
from ctxsize.files.repository import read_file
from ctxsize.image.types import HistoryEntry, Image, Layer
from ctxsize.inspection.sources import OpenedImage, Source
from ctxsize.progress import Progress

#: What chooses a variant of a comparison, behind its file's name.
VARIANTS = ("#with", "#without")
_MOST_BYTES = 64 << 20
_MOST_STEPS = 10_000
_RENEW = "make it again with `ctxsize compare --format json` or `ctxsize image --format json`"
_NO_FILES = "a report has figures and no files"
_NO_STEPS = "a comparison has no sizes of steps"


def is_json(path: Path) -> bool:
    """Whether a file begins as a JSON object does; no archive does."""
    try:
        with open(path, "rb") as file:
            return file.read(64).lstrip()[:1] == b"{"
    except OSError:
        return False


def recorded_image(path: str, variant: str = "with") -> Source:
    """The image of a ``variant`` of the comparison in a file, or the one that the report in it is about.
    Opening it raises ConfigError for a file that is neither."""

    @contextmanager
    def opened(progress: Progress) -> Iterator[OpenedImage]:
        yield _read(path, variant)

    return opened


def _read(path: str, variant: str) -> OpenedImage:
    try:
        with nested_input():
            document = json.loads(read_file(Path(path).parent, Path(path).name, _MOST_BYTES))
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", where=path) from error
    except ValueError as error:
        raise ConfigError("the file is not JSON", where=path, hint=_RENEW) from error
    try:
        if document["schema"] == 1 and "variants" in document:
            return _of_comparison(path, variant, document["variants"][variant])
        if document["schema"] == 1 and "steps" in document and "image" in document:
            return _of_report(path, document)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError("it has no such image", where=path, hint=_RENEW) from error
    raise ConfigError("it is no report on an image", where=path, hint=_RENEW)


def _of_comparison(path: str, variant: str, content: Mapping[str, Any]) -> OpenedImage:
    image = content["image"]
    if image is None:
        raise ConfigError(f"the variant {variant!r} was not built", where=path, hint=_RENEW)
    whole = Layer(0, "", _count(image["bytes"]), 0, _count(image["pull_bytes"] or 0))
    missing = {"files": _NO_FILES, "steps": _NO_STEPS}
    if image["pull_bytes"] is None:
        missing["pull_bytes"] = "it was not measured"
    name = path if variant == "with" else f"{path}#{variant}"
    read = Image(str(image["id"]), (whole,), (HistoryEntry("", whole),))
    return OpenedImage(name, "comparison", read, None, missing=missing)


def _of_report(path: str, document: Mapping[str, Any]) -> OpenedImage:
    about, steps = document["image"], document["steps"]
    if len(steps) > _MOST_STEPS:
        raise ConfigError(f"it has more than {_MOST_STEPS} steps", where=path)
    history, lines = [], {}
    missing = {str(name): str(why) for name, why in document["missing"].items()} | {"files": _NO_FILES}
    for number, step in enumerate(steps):
        layer = None
        if step["layer"] is not None:
            sizes = _count(step["bytes"] or 0), _count(step["files"] or 0), _count(step["pull_bytes"] or 0)
            # Its content is not known, so a layer is the same as none.
            layer = Layer(number, f"{path}\0{number}", *sizes)
        history.append(HistoryEntry(str(step["created_by"]), layer))
        if step["line"] is not None:
            lines[number] = _count(step["line"])
    layers = tuple(entry.layer for entry in history if entry.layer is not None)
    return OpenedImage(
        path,
        "report",
        Image(str(about["id"]), layers, tuple(history)),
        None,
        about["platform"] and str(about["platform"]),
        lines=lines,
        missing=missing,
    )


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("no number of bytes")
    return value
