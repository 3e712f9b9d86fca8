"""One issue as CI services take it: a text, a place, a level, and a name that stays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ctxsize.lint.types import Severity as Severity
from ctxsize.report.shared.places import Place


@dataclass(frozen=True, slots=True)
class Problem:
    """One issue: printable text, and where to show it.

    ``key`` names the issue, whatever its figures: the same today and tomorrow.
    """

    code: str
    level: Severity
    title: str
    message: str
    place: Place
    key: str

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that stay the same while the issue does."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogateescape")).hexdigest()
