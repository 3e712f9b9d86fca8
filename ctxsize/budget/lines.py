"""In which line of a TOML file a key stands, so that an error or a limit can name it.

The standard library's parser tells no lines. But every statement of a TOML file is a document of its own
(a table header, or a key and its value), so the file is cut into statements by that parser itself: a line
that does not parse alone goes on in the next. That takes one pass and no grammar of our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: A key's way through the tables; an item of an array is its number.
KeyPath = tuple[str | int, ...]

# Only a line with one of these can end a value of several lines.
_CLOSING = ("]", "}", '"""', "'''")
# Tables in tables that are looked into; a dotted key can have thousands.
_DEEPEST = 12
# Characters parsed in all, as a multiple of the text's: hostile files would take quadratic time.
_MOST = 20


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of every key, table and item of an array in ``text``, which must be TOML.

    An item's line is the first after the item before it that holds its text. Keys of arrays of tables are
    left out, and so is all that follows a value which takes too long to find the end of.
    """
    found: dict[KeyPath, int] = {}
    table: tuple[str | int, ...] | None = ()
    for start, lines, document in _statements(text):
        if lines[0].lstrip().startswith("["):
            table = _only_path(document)
            if table is not None:
                found.setdefault(table, start)
        elif table is not None:
            _note(document, table, start, lines, found)
    return found


def _statements(text: str) -> Iterator[tuple[int, list[str], Mapping[str, Any]]]:
    """First line, lines and content of every statement."""
    import tomllib  # most projects have no configuration

    # A lone \r is no line end in TOML, nor is any other that str.splitlines knows.
    pending: list[str] = []
    start = 1
    left = _MOST * len(text) + 10_000
    for number, line in enumerate(text.split("\n"), 1):
        if not pending:
            start = number
        elif not any(mark in line for mark in _CLOSING):
            pending.append(line)
            continue
        pending.append(line)
        statement = "\n".join(pending).replace("\r", "")
        left -= len(statement)
        if left < 0:
            return
        try:
            document = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if document:
            yield start, pending, document
        pending = []


def _only_path(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The path of a table header; None for an array of tables."""
    path: list[str] = []
    content: Any = document
    while isinstance(content, Mapping) and content:
        ((key, content),) = content.items()
        path.append(key)
    return tuple(path) if isinstance(content, Mapping) else None


def _note(
    content: Mapping[str, Any], path: KeyPath, line: int, lines: list[str], found: dict[KeyPath, int]
) -> None:
    for key, value in content.items():
        here = (*path, key)
        found.setdefault(here, line)
        if isinstance(value, Mapping) and len(here) < _DEEPEST:
            _note(value, here, line, lines, found)
        elif isinstance(value, list):
            at = 0
            for index, item in enumerate(value):
                at = next((n for n in range(at, len(lines)) if _holds(lines[n], str(item))), at)
                found[(*here, index)] = line + at


def _holds(line: str, item: str) -> bool:
    return item in line and not line.lstrip().startswith("#")


_KINDS_OF: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a string"),
    (list, "a list"),
    (Mapping, "a table"),
)


def kind_of(value: object) -> str:
    """What a value of a TOML file is, in words: ``a number``."""
    return next((name for kind, name in _KINDS_OF if isinstance(value, kind)), "a date")
