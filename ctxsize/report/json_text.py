"""Names in JSON."""

from __future__ import annotations


def json_text(text: str) -> str:
    """Names that are no UTF-8 keep their bytes visible (``\\xff``); JSON has no way to carry them raw."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def json_text_or_null(text: str | None) -> str | None:
    """As :func:`json_text`; None stays None."""
    return None if text is None else json_text(text)
