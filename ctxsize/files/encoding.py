"""File names are bytes, and Docker takes them for UTF-8, whatever the locale says."""

from __future__ import annotations

import codecs
import sys

from ctxsize.errors import UsageError


def names_are_utf8() -> bool:
    """Whether Python decodes file names and the command line as UTF-8: it follows the locale unless told."""
    return codecs.lookup(sys.getfilesystemencoding()).name == "utf-8"


def require_utf8() -> None:
    """Raise UsageError where names would not match the rules of an ignore file, which are UTF-8."""
    if not names_are_utf8():
        raise UsageError(
            f"Python reads file names as {sys.getfilesystemencoding()} here, and Docker as UTF-8",
            hint="start Python with -X utf8, or set PYTHONUTF8=1",
        )
