"""Reports that another job may have written."""

from __future__ import annotations

from typing import Any

from ctxsize.errors import UsageError
from ctxsize.forge.change import Document
from ctxsize.report.page.documents import kind_of, read

#: Bytes of a report.
_MOST = 64 << 20


def report(file: str | None, kind: str) -> Document | None:
    """The report of the command ``kind`` in ``file``; None for no file. Raises UsageError."""
    if file is None:
        return None
    try:
        with open(file, "rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=file) from error
    if len(data) > _MOST:
        raise UsageError("is too large for a report", where=file)
    document = read(data, file)
    if kind_of(document) != kind:
        raise UsageError(f"is a report of {kind_of(document)}, not of {kind}", where=file)
    return document


def misshapen(file: str, error: Exception) -> UsageError:
    """What to say of a report that is not as its schema says."""
    return UsageError(
        f"is not as its schema in docs/schema says ({type(error).__name__}: {error})", where=file
    )


#: What code that reads a misshapen report stumbles over.
STUMBLES: Any = (KeyError, TypeError, ValueError, AttributeError, IndexError)
