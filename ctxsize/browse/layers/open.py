"""An image opened for browsing; it is read when the screen is there."""

from __future__ import annotations

from dataclasses import dataclass

from ctxsize.errors import UsageError
from ctxsize.inspection.sources import Source, engine_image
from ctxsize.inspection.stored import stored_source


@dataclass(frozen=True, slots=True)
class OpenedName:
    """An image that was named, and where it is read from."""

    name: str
    source: Source


def open_image(name: str, *, platform: str | None = None, base: str | None = None) -> OpenedName:
    """The image ``name``, as :func:`ctxsize.inspection.image.image` takes it. Raises UsageError; reading it
    raises CtxsizeError."""
    source = stored_source(name, platform=platform)
    if source is None:
        source = engine_image(name, platform=platform, base=base)
    elif base is not None:
        raise UsageError("--base is for an image that the engine has", where=name)
    return OpenedName(name, source)
