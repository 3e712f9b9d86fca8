"""What a Compose project may reach: one directory, its variables, and so many values."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctxsize.budget.compose.dotenv_file import read_dotenv
from ctxsize.errors import ConfigError
from ctxsize.files.repository import is_beneath
from ctxsize.masking import Masker

# Characters of all values of a project.
_MOST_VALUES = 8 << 20


class Variables(dict[str, str]):
    """Variables that remember in ``shown`` those that were asked for, and so may be in a text or a path."""

    def __init__(self, values: Mapping[str, str], shown: dict[str, str]) -> None:
        super().__init__(values)
        self.shown = shown

    def get(self, name: str, default: Any = None) -> Any:
        if name in self:
            self.shown[name] = self[name]
        return super().get(name, default)


def load_variables(
    root: Root, directory: Path, environ: Variables, files: Sequence[Path] | None = None
) -> Variables:
    """What variables stand for: what ``environ`` says, else ``.env`` in ``directory``, or ``files``."""
    found: dict[str, str] = {}
    for file in files if files is not None else [directory / ".env"]:
        if files is not None or os.path.isfile(file):
            found |= read_dotenv(root.path, file, environ)
    return Variables({**found, **environ}, environ.shown)


def masker(shown: Mapping[str, str]) -> Masker:
    """Hides the values of variables, also where one is a path and was made relative."""
    return Masker(
        (spelled, f"${{{name}}}")
        for name, value in shown.items()
        for spelled in (value, *((os.path.relpath(value),) if value.startswith("/") else ()))
        if spelled.strip("./")
    )


@dataclass(frozen=True, slots=True)
class Root:
    """The directory that a project may name something in: what a stranger wrote must not make a build, or an
    error, show more than that."""

    path: Path

    def inside(self, path: str | Path, where: str) -> Path:
        """The path. Raises ConfigError when it leads out, links followed."""
        if not is_beneath(self.path, path):
            raise ConfigError(
                f"{path} lies outside of {self.path}",
                where=where,
                hint="to allow that, name the directory that holds everything with --compose-root",
            )
        return Path(path)


class Room:
    """What is left for a whole Compose project: files include each other, and services extend each other, so
    that a few kilobytes could stand for any number of services, arguments and characters."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def take(self, size: int, where: str) -> None:
        """Raise ConfigError when there is none left for values of ``size`` characters."""
        self._left -= size
        if self._left < 0:
            raise ConfigError("the services' values are too many, or too long together", where=where)
