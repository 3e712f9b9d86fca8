"""What a finding is described with, for the list of them, ``--explain`` and the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ctxsize.lint.facts import Facts
from ctxsize.lint.types import Finding, FixKind, Severity

Find = Callable[[Facts], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One code. ``severity`` is the usual one; ``fix`` the kind of fix it can have, None: never one.

    ``title`` is what is wrong in a few words, ``why`` why that is bad and what to do. ``example`` are
    lines of an ignore file (and, after ``Dockerfile:``, of a Dockerfile) that have it, ``instead`` what
    to write.
    """

    code: str
    title: str
    severity: Severity
    fix: FixKind | None
    why: str
    example: str
    instead: str
    find: Find


CHECKS: dict[str, Check] = {}


def check(
    code: str,
    title: str,
    severity: Severity,
    *,
    why: str,
    example: str,
    instead: str,
    fix: FixKind | None = None,
) -> Callable[[Find], Find]:
    """Register the function that finds ``code``. They run in the order in which they are registered."""

    def register(find: Find) -> Find:
        CHECKS[code] = Check(code, title, severity, fix, " ".join(why.split()), example, instead, find)
        return find

    return register
