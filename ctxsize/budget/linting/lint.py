"""``ctxsize lint``: the projects of configurations and Compose files, each linted as it is built."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctxsize import __version__
from ctxsize.budget.config import Target, load_config
from ctxsize.context.reading import Reading
from ctxsize.errors import CtxsizeError, UsageError
from ctxsize.ignore.types import Dialect
from ctxsize.lint.config import LintConfig
from ctxsize.lint.lint import Subject, look
from ctxsize.lint.types import Finding, LintReport, LintTarget, LintTotals
from ctxsize.progress import Progress, Silent
from ctxsize.project import Project, open_context


@dataclass(frozen=True, slots=True)
class LintOptions:
    """How to lint; what is None is as the configuration says.

    ``dockerfile``, ``stage``, ``build_args`` and ``platform`` as for ``docker build``. ``builder`` is
    ``buildkit``, ``classic`` or ``podman``: whose reading of the ignore file applies. ``config`` goes over
    the configuration's own. ``fix`` changes the files, ``unsafe`` with all fixes and not with safe ones
    alone; ``diff`` only shows what that would be.
    """

    dockerfile: str | None = None
    stage: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    builder: str | None = None
    config: LintConfig = LintConfig()  # noqa: RUF009  (immutable)
    fix: bool = False
    unsafe: bool = False
    diff: bool = False


def lint(
    *paths: str | Path,
    targets: Iterable[Target] | None = None,
    options: LintOptions | None = None,
    progress: Progress | None = None,
) -> LintReport:
    """Say what is wrong with the ignore files of the projects at ``paths`` (default: the current directory).

    ``targets`` are linted, too, and instead of the current directory (``--compose`` names some). What is
    wrong with a target is in its part of the report; ConfigError and UsageError are raised for what is wrong
    with the question.
    """
    options, shown = options or LintOptions(), progress or Silent()
    asked = [*(targets or ())]
    for path in paths or ((".",) if targets is None else ()):
        open_context(path)
        asked += load_config(path).targets
    found = [lint_target(target, options, shown) for target in asked]
    failed = any(each.error is not None for each in found)
    return LintReport(
        version=__version__,
        created=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        targets=tuple(found),
        total=LintTotals.of(found),
        exit_code=2 if failed else int(any(each.failed for each in found)),
    )


def lint_target(
    target: Target,
    options: LintOptions,
    progress: Progress,
    *,
    project: Project | None = None,
    reading: Reading | None = None,
) -> LintTarget:
    """Lint one target; what keeps that from being done is in the result. ``project`` is the target if it was
    opened already as its builder reads it, and ``reading`` has what was read of its tree."""
    builder = options.builder or target.builder
    subject = Subject(
        target.path,
        options.dockerfile or target.dockerfile,
        options.stage or target.stage,
        {**target.build_args, **options.build_args},
        Dialect.CLASSIC if builder in ("classic", "podman") else Dialect.BUILDKIT,
        builder == "podman",
        target.contexts,
        target.inline,
        target.platform if options.platform is None else options.platform,
    )
    config = options.config.over(target.lint)
    progress.phase("lint")

    def step(seen: int) -> None:
        progress.step(f"{seen} entries")

    try:
        if options.fix or options.diff:
            from ctxsize.lint.mend import mended  # most runs mend nothing

            found = mended(
                subject, config, unsafe=options.unsafe, dry=options.diff, name=target.name, progress=step
            )
        else:
            _, found = look(
                subject, config, name=target.name, project=project, reading=reading, progress=step
            )
    except CtxsizeError as error:
        found = LintTarget(target.name, target.path, None, None, error=str(error))
    if (mask := target.mask) is None:
        return found
    why = None if found.error is None else mask(found.error)
    return replace(found, name=mask(found.name), path=mask(found.path), error=why)


def findings_for_check(
    target: Target, told: Iterable[Finding], project: Project | None, reading: Reading | None
) -> tuple[Finding, ...]:
    """What lint finds in a target of ``check``, as its budget's ``lint`` says: errors where that is ``fail``
    and the finding at or above fail-on, else warnings. Without information, and secrets that are ``told``.
    ``project`` and ``reading`` as for :func:`lint_target`."""
    how = target.budget.lint
    if how is None or how.text == "off":
        return ()
    found = lint_target(target, LintOptions(), Silent(), project=project, reading=reading)
    if found.error is not None:
        raise UsageError(found.error)
    known = any(each.code == "sensitive" for each in told)
    return tuple(
        replace(
            each, severity="error" if how.text == "fail" and found.fails(each) else "warning", where=how.where
        )
        for each in found.findings
        if each.severity != "info" and not (known and each.code in ("CX206", "CX501"))
    )


__all__ = ["LintOptions", "findings_for_check", "lint", "lint_target"]
