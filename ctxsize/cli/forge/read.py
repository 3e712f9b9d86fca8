"""Reports that another job may have written."""

from __future__ import annotations

from typing import Any

from ctxsize.cli.reports import report_bytes
from ctxsize.errors import UsageError
from ctxsize.forge.change import Document
from ctxsize.report.page.documents import kind_of, read


def report(file: str | None, kind: str) -> Document | None:
    """The report of the command ``kind`` in ``file``; None for no file. Raises UsageError."""
    if file is None:
        return None
    document = read(report_bytes(file), file)
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
