"""What is told of a file that looks like a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ctxsize.ignore.types import Rule

#: ``likely``: almost always a secret, or its content says so. ``possible``: the name alone, or a place
#: where such files are usually harmless (a package's own files, keys for tests).
Level = Literal["likely", "possible"]
#: What told: the file's name, its content, or the detector of the extra ``ctxsize[secrets]``.
Evidence = Literal["name", "content", "detector"]


@dataclass(frozen=True, slots=True)
class SensitiveFile:
    """A regular file of the context that looks like a secret. No part of its content is kept here.

    ``path`` is relative to the context. ``kind`` is a stable word for programs, ``reason`` a phrase for
    people. ``eligible``: the build can see it; then ``rule`` is the exception that keeps it (None: no rule
    matches). Otherwise ``rule`` is the one that keeps it out. ``needed`` says of an eligible file whether
    a COPY, ADD or bind mount takes it, None where that can't be known or nobody asked; False of one that is
    ignored. ``line`` is where in the file the content gave it away, None when the name alone did.
    ``group`` is a directory that tables show instead of many such files in it: the ignored root, or one of
    installed packages or of tests; None when the file stands for itself.
    """

    path: str
    kind: str
    reason: str
    level: Level
    eligible: bool
    needed: bool | None
    rule: Rule | None
    line: int | None
    source: Evidence
    group: str | None
