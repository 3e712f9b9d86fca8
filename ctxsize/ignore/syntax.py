"""What Go's ``filepath.Match`` refuses as a pattern."""

from __future__ import annotations

import re

from ctxsize.ignore.types import PatternError

# Nothing can be wrong where there is no backslash, and no range in a class.
_SOUND = re.compile(r"(?:[^\[\\]|\[\^?+[^\]\\\-\udc80-\udcff]++\])*+")


def check_syntax(pattern: str) -> None:
    """Raise PatternError where Go's ``filepath.Match(pattern, ".")`` answers ErrBadPattern.

    patternmatcher asks it about every pattern before it builds its own expression. Go looks no further
    than the first chunk (the text between two stars) that does not match the name ``.``, so that ``[a`` is
    refused at once, and ``x*[a`` only when its expression is needed.
    """
    if "[" not in pattern and (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 0:
        return
    if _SOUND.fullmatch(pattern):
        return
    name = "."
    for star, chunk in _chunks(pattern):
        if star and not chunk:
            return
        rest = _match_chunk(chunk, name)
        if rest is not None:
            name = rest
            continue
        if not star or not name:
            return
        rest = _match_chunk(chunk, "")  # the star takes the dot
        if rest is None:
            return
        name = ""


def _chunks(pattern: str) -> list[tuple[bool, str]]:
    """Go's ``scanChunk``: (after a star, text up to the next star outside a class)."""
    chunks, at, end = [], 0, len(pattern)
    while at < end:
        start = at
        while at < end and pattern[at] == "*":
            at += 1
        star, begin, in_class = at > start, at, False
        while at < end and (in_class or pattern[at] != "*"):
            if pattern[at] == "\\" and at + 1 < end:
                at += 1
            elif pattern[at] == "[":
                in_class = True
            elif pattern[at] == "]":
                in_class = False
            at += 1
        chunks.append((star, pattern[begin:at]))
    return chunks


def _match_chunk(chunk: str, name: str) -> str | None:
    """Go's ``matchChunk`` for the names "." and "": what is left of the name, None when it doesn't match.

    Reads the chunk to its end either way. Raises PatternError where it is malformed.
    """
    at, end, failed = 0, len(chunk), False
    while at < end:
        failed = failed or not name
        char = chunk[at]
        if char == "[":
            at, matched = _match_class(chunk, at + 1, name)
            failed = failed or not matched
        else:
            if char == "\\":
                at += 1
                if at >= end:
                    raise PatternError("syntax error in pattern: it ends in a lone \\")
            if char != "?" and chunk[at] != name:
                failed = True
            at += 1
        name = ""
    return None if failed else name


def _match_class(chunk: str, at: int, name: str) -> tuple[int, bool]:
    """The position after the class that begins at ``at``, and whether ``name`` is in it."""
    negated = chunk[at : at + 1] == "^"
    at += negated
    matched = False
    ranges = 0
    while not (ranges and chunk[at : at + 1] == "]"):
        low, at = _class_char(chunk, at)
        high = low
        if chunk[at] == "-":
            high, at = _class_char(chunk, at + 1)
        matched = matched or low <= name <= high
        ranges += 1
    return at + 1, matched != negated


def _class_char(chunk: str, at: int) -> tuple[str, int]:
    """Go's ``getEsc``: a character of a class and the position after it, which must not be the end."""
    if at < len(chunk) and chunk[at] not in "-]":
        at += chunk[at] == "\\"
        if at + 1 < len(chunk) and not "\udc80" <= chunk[at] <= "\udcff":
            return chunk[at], at + 1
    raise PatternError("syntax error in pattern: a [ without its ], or an incomplete range")
