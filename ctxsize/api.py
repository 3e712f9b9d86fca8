"""What a Python caller uses: a function for each command, every type of their results, and the errors.

A name's module is imported when the name is first used, so that importing this one stays cheap: what needs
no engine never loads the Docker SDK. The last part of docs/python.md says which function gives which type.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ctxsize.budget.check import check as check
    from ctxsize.budget.options import CheckOptions as CheckOptions
    from ctxsize.budget.types import CheckReport as CheckReport
    from ctxsize.budget.types import CheckTotals as CheckTotals
    from ctxsize.budget.types import FileFinding as FileFinding
    from ctxsize.budget.types import Grown as Grown
    from ctxsize.budget.types import Judged as Judged
    from ctxsize.budget.types import TargetReport as TargetReport
    from ctxsize.comparison.compare import compare as compare
    from ctxsize.comparison.types import BuildFigures as BuildFigures
    from ctxsize.comparison.types import Comparison as Comparison
    from ctxsize.comparison.types import ContextFigures as ContextFigures
    from ctxsize.comparison.types import Measurement as Measurement
    from ctxsize.comparison.types import PathSaving as PathSaving
    from ctxsize.comparison.types import RuleSaving as RuleSaving
    from ctxsize.comparison.types import Saved as Saved
    from ctxsize.comparison.types import Unattributed as Unattributed
    from ctxsize.comparison.types import VariantFigures as VariantFigures
    from ctxsize.context.totals import DirTotals as DirTotals
    from ctxsize.context.totals import IgnoredRoot as IgnoredRoot
    from ctxsize.context.totals import RuleTotals as RuleTotals
    from ctxsize.context.totals import ScanResult as ScanResult
    from ctxsize.context.totals import Totals as Totals
    from ctxsize.engine.builders.interface import Step as Step
    from ctxsize.engine.connect import Engine as Engine
    from ctxsize.engine.connect import connect as connect
    from ctxsize.engine.containers import Verification as Verification
    from ctxsize.engine.containers import VerifyCommand as VerifyCommand
    from ctxsize.engine.options import BuildOptions as BuildOptions
    from ctxsize.errors import BuildFailed as BuildFailed
    from ctxsize.errors import ConfigError as ConfigError
    from ctxsize.errors import CtxsizeError as CtxsizeError
    from ctxsize.errors import DockerfileError as DockerfileError
    from ctxsize.errors import EngineError as EngineError
    from ctxsize.errors import IgnoreFileError as IgnoreFileError
    from ctxsize.errors import Interrupted as Interrupted
    from ctxsize.errors import UsageError as UsageError
    from ctxsize.errors import VerifyFailed as VerifyFailed
    from ctxsize.ignore.types import Dialect as Dialect
    from ctxsize.ignore.types import Rule as Rule
    from ctxsize.measure.figures import Cost as Cost
    from ctxsize.measure.figures import EngineFigures as EngineFigures
    from ctxsize.measure.figures import ImageFigures as ImageFigures
    from ctxsize.measure.figures import ProjectFigures as ProjectFigures
    from ctxsize.measure.figures import SecondsSaved as SecondsSaved
    from ctxsize.progress import Progress as Progress
    from ctxsize.rebuild.cache import cache as cache
    from ctxsize.rebuild.types import ChangeCost as ChangeCost
    from ctxsize.rebuild.types import LateInstall as LateInstall
    from ctxsize.rebuild.types import Rebuild as Rebuild
    from ctxsize.rebuild.types import RebuildCost as RebuildCost
    from ctxsize.rebuild.types import RebuildMeasurement as RebuildMeasurement
    from ctxsize.sensitive.types import SensitiveFile as SensitiveFile
    from ctxsize.survey.dialects import Differences as Differences
    from ctxsize.survey.dialects import PathDifference as PathDifference
    from ctxsize.survey.overview import Overview as Overview
    from ctxsize.survey.overview import overview as context  # noqa: F401
    from ctxsize.survey.views import View as View
    from ctxsize.survey.why import Answer as Answer
    from ctxsize.warning import Warning as Warning

_HOMES = {
    "budget.check": "check",
    "budget.options": "CheckOptions",
    "budget.types": "CheckReport CheckTotals FileFinding Grown Judged TargetReport",
    "comparison.compare": "compare",
    "comparison.types": "BuildFigures Comparison ContextFigures Measurement PathSaving RuleSaving Saved"
    " Unattributed VariantFigures",
    "context.totals": "DirTotals IgnoredRoot RuleTotals ScanResult Totals",
    "engine.builders.interface": "Step",
    "engine.connect": "Engine connect",
    "engine.containers": "Verification VerifyCommand",
    "engine.options": "BuildOptions",
    "errors": "BuildFailed ConfigError CtxsizeError DockerfileError EngineError IgnoreFileError Interrupted"
    " UsageError VerifyFailed",
    "ignore.types": "Dialect Rule",
    "measure.figures": "Cost EngineFigures ImageFigures ProjectFigures SecondsSaved",
    "progress": "Progress",
    "rebuild.cache": "cache",
    "rebuild.types": "ChangeCost LateInstall Rebuild RebuildCost RebuildMeasurement",
    "sensitive.types": "SensitiveFile",
    "survey.dialects": "Differences PathDifference",
    "survey.overview": "Overview",
    "survey.views": "View",
    "survey.why": "Answer",
    "warning": "Warning",
}
#: Each name with the module that has it, below ``ctxsize``, and its name there.
_EXPORTS = {name: (home, name) for home, names in _HOMES.items() for name in names.split()}
_EXPORTS["context"] = ("survey.overview", "overview")

__all__ = sorted([*_EXPORTS, "why"])


def why(
    path: str | Path = ".",
    paths: Iterable[str] = (),
    *,
    dockerfile: str | Path | None = None,
    builder: str = "buildkit",
) -> tuple[Answer, ...]:
    """Say for each of ``paths`` whether the project at ``path`` ignores it, and which rule decides.

    ``paths`` are relative to the current directory or, where that is outside of the context, to the context;
    they need not exist. ``builder`` is ``buildkit`` or ``classic``. Raises UsageError for a path outside of
    the context, IgnoreFileError, and ContextError for a directory that can't be read.
    """
    from ctxsize.ignore.types import Dialect
    from ctxsize.survey.overview import open_subject
    from ctxsize.survey.why import context_path
    from ctxsize.survey.why import why as judge

    subject = open_subject(path, dockerfile=dockerfile, dialect=Dialect(builder))
    return tuple(judge(subject, [context_path(subject, each, given=str(path)) for each in paths]))


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, original = _EXPORTS[name]
    value = getattr(importlib.import_module(f"ctxsize.{home}"), original)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
