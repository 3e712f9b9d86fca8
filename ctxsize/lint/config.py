"""What ``[lint]`` in the configuration, or the command line, says of findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctxsize.errors import ConfigError
from ctxsize.lint.types import Severity

#: From which severity on findings fail. Information never does.
FailOn = Literal["error", "warning", "never"]
FAIL_ON: tuple[FailOn, ...] = ("error", "warning", "never")


@dataclass(frozen=True, slots=True)
class LintConfig:
    """``select`` and ``ignore`` are codes or their beginnings (``CX1``); the longer one wins, and ``ignore``
    between equals. None for ``select``: all. ``severity`` has codes, or their beginnings, that have another
    severity than their own."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict)
    fail_on: FailOn | None = None

    def over(self, base: LintConfig) -> LintConfig:
        """This one, with what it does not say from ``base``; what is ignored there stays so."""
        return LintConfig(
            select=base.select if self.select is None else self.select,
            ignore=(*base.ignore, *self.ignore),
            severity={**base.severity, **self.severity},
            fail_on=self.fail_on or base.fail_on,
        )

    def wants(self, code: str) -> bool:
        """Whether findings of this code are reported."""
        select = ("",) if self.select is None else self.select
        chosen = max((len(each) for each in select if code.startswith(each)), default=-1)
        ignored = max((len(each) for each in self.ignore if code.startswith(each)), default=-1)
        return chosen > ignored

    def severity_of(self, code: str, own: Severity) -> Severity:
        """The severity of findings of this code, whose ``own`` is that; the longest beginning says so."""
        named = max((each for each in self.severity if code.startswith(each)), key=len, default=None)
        return own if named is None else self.severity[named]

    @property
    def fails(self) -> Severity | None:
        """From which severity on findings fail; None: never."""
        return None if self.fail_on == "never" else self.fail_on or "warning"


def check_codes(codes: Iterable[str], where: str) -> tuple[str, ...]:
    """The codes, in capitals. Raises ConfigError for one that no code begins with."""
    from ctxsize.lint.findings.all import BY_CODE  # most projects name none

    found = tuple(code.strip().upper() for code in codes)
    found = tuple("CX" if code == "ALL" else code for code in found)
    for code in found:
        if not code or not any(each.startswith(code) for each in BY_CODE):
            raise ConfigError(
                f"no finding has the code {code!r}",
                where=where,
                hint="`ctxsize lint --explain all` lists them",
            )
    return found
