"""What a check says, without the values of variables that a Compose file made names and paths of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ctxsize.budget.types import TargetReport
from ctxsize.warning import Warning


def masked_report(report: TargetReport, mask: Callable[[str], str]) -> TargetReport:
    """The report with its texts masked; figures, the names of limits and the paths of files stay."""

    def optional(text: str | None) -> str | None:
        return None if text is None else mask(text)

    return replace(
        report,
        name=mask(report.name),
        path=mask(report.path),
        dockerfile=optional(report.dockerfile),
        ignore_file=optional(report.ignore_file),
        limits=tuple(
            replace(each, where=optional(each.where), reason=optional(each.reason), hint=optional(each.hint))
            for each in report.limits
        ),
        findings=tuple(
            replace(each, where=optional(each.where), help=optional(each.hint)) for each in report.findings
        ),
        warnings=masked_warnings(report.warnings, mask),
        error=optional(report.error),
        log=tuple(map(mask, report.log)),
        contexts={name: mask(path) for name, path in report.contexts.items()},
    )


def masked_warnings(warnings: Iterable[Warning], mask: Callable[[str], str]) -> tuple[Warning, ...]:
    """Warnings with their texts masked."""
    return tuple(
        replace(each, message=mask(each.message), where=None if each.where is None else mask(each.where))
        for each in warnings
    )
