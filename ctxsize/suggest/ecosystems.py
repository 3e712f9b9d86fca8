"""The table of what an image never needs (ecosystems.toml), as values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

#: See the head of ecosystems.toml.
Kind = Literal["waste", "made", "local", "prove"]


@dataclass(frozen=True, slots=True)
class Usual:
    """A rule that projects of some kind usually gain from. ``made_by`` is a regular expression for commands
    that make anew what it keeps out, "" where nothing has to."""

    rule: str
    kind: Kind
    why: str
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """A kind of project, known by ``markers`` (none: every project), and its usual rules."""

    name: str
    markers: tuple[str, ...]
    patterns: tuple[Usual, ...]


@cache
def ecosystems() -> tuple[Ecosystem, ...]:
    """The whole table, in its order."""
    document = tomllib.loads(files("ctxsize.suggest").joinpath("ecosystems.toml").read_text("utf-8"))
    return tuple(
        Ecosystem(each["name"], tuple(each["markers"]), tuple(Usual(**usual) for usual in each["patterns"]))
        for each in document["ecosystem"]
    )
