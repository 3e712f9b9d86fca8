"""Splitting the arguments of a Dockerfile instruction into words.

The rules are those of BuildKit's ``frontend/dockerfile/parser`` (read; Docker's classic builder uses
the same package): words keep their quotes and escapes, which the later expansion removes.
"""

from __future__ import annotations

import json
import re

from ctxsize.files.nested import nested_input

WHITESPACE = re.compile(r"[\t\v\f\r ]+")
"""What separates words outside quotes. A line feed never occurs inside a logical line."""


def split_plain(text: str) -> tuple[str, ...]:
    """Words separated by white space, quotes not respected (FROM, COPY and ADD in shell form)."""
    return tuple(word for word in WHITESPACE.split(text) if word)


def split_quoted(text: str, escape: str) -> tuple[str, ...]:
    """Words separated by white space outside quotes (ARG, ENV, LABEL); quotes and escapes are kept."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    position = 0
    while position < len(text):
        char = text[position]
        if not quote and char.isspace():
            if word:
                words.append("".join(word))
                word = []
        elif char == escape and quote != "'":
            # An escape as the very last character is dropped; else it protects the next one.
            if position + 1 < len(text):
                word.append(text[position : position + 2])
                position += 1
        else:
            if quote and char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
            word.append(char)
        position += 1
    if word:
        words.append("".join(word))
    return tuple(words)


def split_flags(text: str) -> tuple[tuple[tuple[str, str | None], ...], str]:
    """``((name, value), …)`` of the leading ``--name[=value]`` flags, and the text after them.

    Quotes and backslashes in a flag are removed here (the escape directive does not matter to flags).
    A flag without ``=`` has the value None. ``--`` alone ends the flags.
    """
    flags: list[tuple[str, str | None]] = []
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if not text.startswith("--", position):
            return tuple(flags), text[position:].strip()
        word: list[str] = []
        quote = ""
        while position < len(text):
            char = text[position]
            if char == "\\":
                position += 1
                word.append(text[position : position + 1])
            elif quote:
                if char == quote:
                    quote = ""
                else:
                    word.append(char)
            elif char in "'\"":
                quote = char
            elif char.isspace():
                break
            else:
                word.append(char)
            position += 1
        flag = "".join(word)
        if flag == "--":
            return tuple(flags), text[position:].strip()
        name, equals, value = flag[2:].partition("=")
        flags.append((name, value if equals else None))


def split_json(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array, or None when the text is not a JSON array of strings."""
    if not text.startswith("["):
        return None
    try:
        with nested_input():
            values = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return None
    if not all(isinstance(value, str) for value in values):
        return None
    return tuple(values)


def _refuse(constant: str) -> object:
    """JSON as Go reads it has no NaN and no Infinity."""
    raise ValueError(constant)
