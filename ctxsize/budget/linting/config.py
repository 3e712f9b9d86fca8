"""The table ``[lint]`` of the configuration: which findings count, and how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ctxsize.budget.limits import Listed, unknown
from ctxsize.lint.config import FAIL_ON, FailOn, LintConfig, check_codes
from ctxsize.lint.types import SEVERITIES, Severity

LINT_KEYS = ("select", "ignore", "severity", "fail-on")


def lint_config(
    select: Sequence[Listed] | None,
    ignore: Sequence[Listed],
    severity: Mapping[str, Listed],
    fail_on: str | None,
    where: str,
) -> LintConfig:
    """The table's values checked; ``where`` is the place of ``fail_on``. Raises ConfigError."""
    return LintConfig(
        select=None if select is None else _codes(select),
        ignore=_codes(ignore),
        severity={
            code: _severity(word)
            for name, word in severity.items()
            for code in check_codes([name], word.where)
        },
        fail_on=None if fail_on is None else parse_fail_on(fail_on, where),
    )


def parse_fail_on(text: str, where: str) -> FailOn:
    """One of FAIL_ON. Raises ConfigError."""
    for each in FAIL_ON:
        if each == text:
            return each
    raise unknown(text, FAIL_ON, where, what="value of fail-on")


def _codes(listed: Sequence[Listed]) -> tuple[str, ...]:
    return tuple(code for each in listed for code in check_codes([each.text], each.where))


def _severity(word: Listed) -> Severity:
    for each in SEVERITIES:
        if each == word.text:
            return each
    raise unknown(word.text, SEVERITIES, word.where, what="severity")
