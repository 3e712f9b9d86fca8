"""YAML with the line of every value, read as Compose reads it: strings stay as they are written.

``yes`` is a string and ``1.10`` a number, as in YAML 1.2; anchors and ``<<`` work; ``!reset`` and
``!override`` are Compose's own tags. Nothing but plain values is ever made, whatever a tag says.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctxsize.errors import ConfigError, UsageError
from ctxsize.files.nested import nested_input
from ctxsize.files.repository import MOST_CONFIGURATION, read_file

_MOST_NODES = 200_000
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?[0-9]+")

#: ``line_of(path)``'s key: the keys and indices that lead to a value.
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Reset:
    """``!reset``: the key is removed from what is merged. ``!override VALUE`` replaces instead of merging."""

    value: Any = None
    replaces: bool = False


@dataclass(slots=True)
class Document:
    """A file's value, and where in the file each part of it is."""

    shown: str
    value: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)

    def where(self, *path: str | int) -> str:
        """``file:line`` of the value at ``path``; of the nearest one around it when it has none."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.shown}:{self.lines[path]}" if path in self.lines else self.shown


def read_yaml(root: Path, path: Path, shown: str) -> Document:
    """The first document of the file ``path`` below ``root``. Raises UsageError when it can't be read or the
    library is missing, ConfigError when it is not YAML."""
    try:
        import yaml
    except ImportError as error:
        raise UsageError(
            "PyYAML is needed to read a Compose file", where=shown, hint="pip install 'ctxsize[compose]'"
        ) from error
    try:
        data = read_file(root, os.path.abspath(path), MOST_CONFIGURATION)
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=shown) from error
    document = Document(shown)
    try:
        with nested_input():
            node = next(iter(yaml.compose_all(data, Loader=yaml.SafeLoader)), None)
            if node is not None:
                document.value = _Builder(document).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}" if mark else shown
        raise ConfigError(f"not YAML: {error.problem or error.context}", where=where) from error
    except (yaml.YAMLError, ValueError) as error:  # undecodable bytes, characters YAML forbids, too deep
        raise ConfigError(f"not YAML: {' '.join(str(error).split())}", where=shown) from error
    return document


class _Builder:
    """Turns the nodes of one document into values."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0
        self._inside: set[int] = set()

    def value(self, node: Any, path: Path_) -> Any:
        """A dict, list, str, int, float, bool, None, or Reset."""
        line = node.start_mark.line + 1
        self._document.lines.setdefault(path, line)
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ConfigError(
                "more values than a Compose file has: aliases of aliases?", where=self._at(node)
            )
        if id(node) in self._inside:
            raise ConfigError("an alias that contains itself", where=self._at(node))
        if node.tag == "!reset":
            return Reset()
        self._inside.add(id(node))
        try:
            made = self._plain(node, path)
        finally:
            self._inside.discard(id(node))
        return Reset(made, replaces=True) if node.tag == "!override" else made

    def _plain(self, node: Any, path: Path_) -> Any:
        if node.id == "mapping":
            return self._mapping(node, path)
        if node.id == "sequence":
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(node.value) if node.style is None else node.value

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, content in node.value:
            if key.id != "scalar":
                raise ConfigError("a key must be a word", where=self._at(key))
            if key.value == "<<" and key.style is None:
                for name, value in self._merged(content, path).items():
                    merged.setdefault(name, value)
                continue
            if key.value in own:
                raise ConfigError(f"{key.value!r} is there twice", where=self._at(key))
            # A line for the key: its value may begin on a later one.
            self._document.lines[(*path, key.value)] = key.start_mark.line + 1
            own[key.value] = self.value(content, (*path, key.value))
        return {**merged, **own}

    def _merged(self, content: Any, path: Path_) -> dict[str, Any]:
        """What ``<<`` brings in: of several mappings the first that has a key wins."""
        items = content.value if content.id == "sequence" else [content]
        found: dict[str, Any] = {}
        for item in items:
            value = self.value(item, path)
            if not isinstance(value, dict):
                raise ConfigError("<< takes a mapping", where=self._at(item))
            for name, each in value.items():
                found.setdefault(name, each)
        return found

    def _at(self, node: Any) -> str:
        return f"{self._document.shown}:{node.start_mark.line + 1}"


def _scalar(text: str) -> Any:
    """A word without quotes, as YAML 1.2's core schema has it."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        # Leading zeros and signs are kept where they are told apart: in what is handed on as text.
        return int(text) if str(int(text)) == text else text
    return float(text) if _FLOAT.fullmatch(text) else text
