"""What the reader of a result should know beside its figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Warning:
    """Something the reader of a result should know: ``code`` is stable, ``where`` a file:line or a path."""

    code: str
    message: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class NotChecked(Warning):
    """Why the service or target called ``name``, which a Compose or bake file has, is not checked."""

    name: str = ""
