"""Names and logs are untrusted: what reaches a terminal or a file is made harmless here."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = ("=", "+", "-", "@")
#: The name of an option of ours, which computes nothing.
_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")


def printable(text: str) -> str:
    """``text`` with control characters and undecodable bytes as visible escapes.

    A file name may hold a newline, an escape sequence or bytes that are no UTF-8 (carried as
    surrogates, PEP 383); none of them may move the cursor, break a table or make output fail.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _harmless(character) else _escape(character) for character in text)


def csv_cell(text: str) -> str:
    """``text`` printable, and as text in a spreadsheet, too.

    A cell that begins with one of ``= + - @`` is a formula to spreadsheets, and a formula can run programs
    and send what other cells hold; an apostrophe in front makes it text (OWASP, "CSV injection").
    """
    shown = printable(text)
    formula = shown.startswith(_FORMULA) and not _OPTION.fullmatch(shown)
    return f"'{shown}" if formula else shown


def _harmless(character: str) -> bool:
    return character == " " or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
