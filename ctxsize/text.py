"""Names and logs are untrusted: here they are made harmless before they reach a terminal or a file."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = ("=", "+", "-", "@")
#: The name of an option of ours, which computes nothing.
_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

#: What CI systems take for a command in a job's log: GitHub ``::add-mask::x`` at the start of a line, and
#: ``##[group]`` anywhere (actions/runner, ActionCommand.cs); Azure ``##vso[task.setvariable …]``
#: (azure-pipelines-agent, Command.cs); TeamCity ``##teamcity[…]``.
_COMMAND = re.compile(r"(?<![^\s])(:)(?=:[a-z])|(#)(?=#(?:\[|vso\[|teamcity\[))", re.IGNORECASE)


def printable(text: str) -> str:
    """``text`` with control characters, undecodable bytes and commands to a CI as visible escapes.

    A file name may hold a newline, an escape sequence or bytes that are no UTF-8 (carried as
    surrogates, PEP 383); none of them may move the cursor, break a table or make output fail, and nothing in
    a job's log may be taken for a command of ours.
    """
    if "::" in text or "##" in text:
        text = _COMMAND.sub(lambda mark: _escape(mark[0]), text)
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


def unfit(text: str) -> bool:
    """Whether the system takes ``text`` neither as a path nor as a value: it has a null character, or is not
    Unicode as UTF-8 has it."""
    return "\0" in text or _SURROGATE.search(text) is not None


def json_text(text: str) -> str:
    """``text`` as JSON can hold it: bytes that are not UTF-8 (carried as surrogates) become ``\\xff``."""
    return text if text.isascii() else _SURROGATE.sub(lambda found: _escape(found[0]), text)
