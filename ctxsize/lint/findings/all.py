"""All findings, in the order in which they are looked for: one mistake is told once, by its most telling
code."""

from __future__ import annotations

from ctxsize.lint.findings import (  # noqa: F401  (each registers its own)
    effect,
    file,
    installed,
    leaks,
    needed,
    order,
    patterns,
    sources,
    versions,
)
from ctxsize.lint.findings.registry import CHECKS, Check

_ORDER = (
    "CX002 CX003 CX004 CX005 CX006 CX007 CX008 CX009 CX010"
    " CX102 CX103 CX104 CX105 CX109 CX108 CX106 CX107 CX110 CX111 CX101"
    " CX202 CX206 CX201 CX205 CX203 CX204 CX302 CX303 CX301"
    " CX401 CX402 CX403 CX404 CX405 CX406 CX407 CX408 CX409 CX304 CX305 CX306 CX501 CX502 CX503"
)  # fmt: skip

#: In the order in which they run.
RUNNING: tuple[Check, ...] = tuple(CHECKS[code] for code in _ORDER.split())
#: By their codes, those included that nothing of RUNNING finds.
BY_CODE: dict[str, Check] = {code: CHECKS[code] for code in sorted(CHECKS)}
