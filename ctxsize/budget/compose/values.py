"""Values of a Compose file, each of the kind it has to be."""

from __future__ import annotations

from typing import Any

from ctxsize.budget.compose.yaml_lines import Reset
from ctxsize.errors import ConfigError
from ctxsize.text import unfit


def mapping_of(content: Any, what: str, where: str) -> dict[str, Any]:
    """A mapping. Raises ConfigError, as all here do."""
    if not isinstance(content, dict):
        raise ConfigError(f"{what} must be a mapping", where=where)
    return content


def list_of(content: Any, what: str, where: str) -> list[Any]:
    """A list."""
    if not isinstance(content, list):
        raise ConfigError(f"{what} must be a list", where=where)
    return content


def words_of(content: Any, what: str, where: str) -> list[str]:
    """A list of strings; one alone is a list of one, and none an empty one."""
    if content is None or isinstance(content, Reset):
        return []
    items = [content] if isinstance(content, str) else list_of(content, what, where)
    return [plain_text(item, what, where) for item in items]


def text_of(content: Any, what: str, where: str) -> str:
    """A string, empty when there is none."""
    return "" if content is None or isinstance(content, Reset) else plain_text(content, what, where)


def plain_text(content: Any, what: str, where: str) -> str:
    """A value as Compose hands it on: ``1.10`` is the number 1.1, ``yes`` the word."""
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, float):
        return repr(content).removesuffix(".0")
    if isinstance(content, int):
        return str(content)
    if isinstance(content, str):
        if unfit(content):
            raise ConfigError(f"{what} has a character that no path and no value can have", where=where)
        return content
    raise ConfigError(f"{what} must be a string", where=where)
