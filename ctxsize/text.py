"""Names and logs are untrusted: what reaches a terminal or a file is made harmless here."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """``text`` with control characters and undecodable bytes as visible escapes.

    A file name may hold a newline, an escape sequence or bytes that are no UTF-8 (carried as
    surrogates, PEP 383); none of them may move the cursor, break a table or make output fail.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _harmless(character) else _escape(character) for character in text)


def _harmless(character: str) -> bool:
    return character == " " or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
